"""The frame of every page, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from frontend.templatetags.assets import module_paths
from hub.accounts.models import User
from tests.e2e.accessibility import LANGUAGES, THEMES, faults_in_every_look
from tests.e2e.conftest import Guard, LiveHub
from tests.factories.accounts import UserFactory

PASSWORD = "correct horse battery"
PAGES = [
    "/",
    "/search/?q=yuki",
    "/styleguide/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_in_both_themes_and_languages(
    page: Page, prefer: Callable[[str, str], None], path: str
) -> None:
    for theme, language in zip(THEMES, LANGUAGES, strict=True):
        prefer(theme, language)
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert faults_in_every_look(page) == [], language


def test_no_page_scrolls_sideways_at_any_width(page: Page) -> None:
    for path in PAGES:
        page.goto(path)
        for width in (320, 390, 820, 1060, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_every_module_links(page: Page) -> None:
    """Page modules may miss their elements here; what must not fail is finding each other."""
    page.goto("/styleguide/")
    script = """async (name) => {
      try { await import(name); return ""; } catch (error) { return String(error); }
    }"""
    broken = re.compile("SyntaxError|Failed to|resolve|does not provide")

    answers = {name: page.evaluate(script, name) for name in module_paths()}

    assert {name: answer for name, answer in answers.items() if broken.search(answer)} == {}


def test_the_strict_policy_and_its_nonce_hold(page: Page) -> None:
    answer = page.goto("/styleguide/")
    policy = answer.header_value("content-security-policy")

    assert "unsafe" not in policy
    assert page.locator('script[type="importmap"]').count() == 1
    assert page.evaluate("typeof htmx") == "object"


def test_theme_switch_keeps_its_choice_over_a_reload(page: Page, context: BrowserContext) -> None:
    page.goto("/styleguide/")
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")

    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()


def test_theme_and_language_work_without_javascript(
    browser, live_hub: LiveHub, guard: Guard
) -> None:
    context = browser.new_context(base_url=live_hub.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/accounts/login/?next=/styleguide/")
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page).to_have_url(f"{live_hub.url}/accounts/login/?next=/styleguide/")

    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="简体中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    context.close()


def test_a_person_signs_in_and_keeps_the_language_on_another_browser(page: Page) -> None:
    person: User = UserFactory(language="zh-hans", theme="light")
    page.goto("/accounts/login/")
    page.get_by_label("User name or email").fill(person.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_keys_search_go_and_list(page: Page, live_hub: LiveHub) -> None:
    page.goto("/styleguide/")
    page.keyboard.press("/")
    search = page.locator("form.quick input")
    expect(search).to_be_focused()
    page.keyboard.type("g?")
    expect(search).to_have_value("g?")

    search.blur()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(f"{live_hub.url}/models/")


def test_no_shortcut_fires_while_an_input_method_is_choosing(page: Page) -> None:
    page.goto("/styleguide/")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: '?', isComposing: true, bubbles: true}))"
    )

    expect(page.locator("#shortcuts")).to_be_hidden()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(
            "Object.defineProperty(window, 'isSecureContext', {get: () => false})", id="missing"
        ),
        pytest.param(
            "Clipboard.prototype.writeText = () => Promise.reject(new Error('no'))", id="refused"
        ),
    ],
)
def test_copying_falls_back_where_the_clipboard_is_not_to_be_had(page: Page, trouble: str) -> None:
    page.add_init_script(trouble)
    page.goto("/styleguide/")
    page.evaluate("addEventListener('copy', () => { window.taken = getSelection().toString(); })")
    chip = page.get_by_role("button", name="Copy trigger word red ribbon")
    chip.click()

    expect(chip).to_have_class("trigger copied")
    expect(page.locator("#live")).to_have_text("Copied: red ribbon")
    expect(chip).to_be_focused()
    expect(chip).to_have_class("trigger")


def test_dialog_gives_the_focus_back(page: Page) -> None:
    page.goto("/styleguide/")
    opener = page.get_by_role("button", name="Open a dialog")
    opener.click()
    expect(page.get_by_role("dialog", name="Delete version 3?")).to_be_visible()

    page.keyboard.press("Escape")

    expect(opener).to_be_focused()


def test_menu_opens_by_keyboard_and_closes(page: Page, sign_in: Callable[[User], None]) -> None:
    sign_in(UserFactory())
    page.goto("/styleguide/")
    opener = page.get_by_role("button", name="Your account")
    opener.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.locator("#account-menu")).to_be_hidden()
    expect(opener).to_be_focused()


def test_toast_goes_by_itself_but_not_from_under_the_hand(page: Page) -> None:
    page.clock.install()
    page.goto("/styleguide/")
    page.get_by_role("button", name="Show a toast").click()
    toast = page.locator(".toast")
    toast.hover()
    page.clock.run_for(10_000)
    expect(toast).to_be_visible()

    page.mouse.move(0, 0)
    page.clock.run_for(7_000)

    expect(toast).to_have_count(0)


def test_on_a_phone_the_navigation_is_at_the_bottom_and_large_enough(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/styleguide/")
    links = page.locator("nav.nav a")

    for number in range(links.count()):
        box = links.nth(number).bounding_box()
        assert box["y"] + box["height"] <= 844
        assert box["y"] > 700
        assert box["height"] >= 44


def test_unknown_address_offers_search(page: Page, guard: Guard) -> None:
    guard.expect("404")
    page.goto("/no-such-page/")
    page.locator("main").get_by_role("searchbox").fill("yuki")
    page.locator("main").get_by_role("button", name="Search").click()

    page.wait_for_url("**/search/?q=yuki")


def test_the_guard_sees_a_request_to_another_host(page: Page, guard: Guard) -> None:
    guard.expect("elsewhere.example")
    guard.expect("ERR_NAME_NOT_RESOLVED")
    page.evaluate("fetch('http://elsewhere.example/').catch(() => null)")
    assert "request off this machine: http://elsewhere.example/" in guard.faults
