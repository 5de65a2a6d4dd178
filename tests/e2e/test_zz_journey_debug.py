from tests.e2e.test_journey_pages import owner, addresses
import pytest
CULPRIT="""()=>[document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')].filter(e=>{const r=e.getBoundingClientRect();return r.right>321 && !e.closest('.samples') && !e.closest('.steps')}).map(e=>e.tagName+'.'+e.className+'#'+e.id+' '+Math.round(e.getBoundingClientRect().right)).slice(0,40)]"""
def test_dbg(page, sign_in, owner, addresses, prefer):
    sign_in(owner)
    page.on("request", lambda r: print("REQ", r.method, r.url) if "static" not in r.url else None)
    page.on("console", lambda r: print("CON", r.text))
    page.set_viewport_size({"width": 320, "height": 844})
    for a in addresses:
        page.goto(a)
        w = page.evaluate(CULPRIT)
        if w[0] > 320: print("WIDE", a, w)
    page.set_viewport_size({"width": 1440, "height": 844})
    page.goto("/train/?dataset=yuki")
    page.get_by_role("radio", name="Textual Inversion").check()
    page.wait_for_timeout(2500)
    print(page.url, page.get_by_label("Network dim").count(), page.locator("main").count(), page.locator("h1").count())
    page.screenshot(path="/tmp/atelier/e2eshots/wiz.png")
    for w, theme, lang in ((1440,"dark","en"),(390,"light","zh-hans"),(1440,"light","zh-hans")):
        prefer(theme, lang)
        page.set_viewport_size({"width": w, "height": 900})
        for a in addresses:
            if "images" in a or a == "/": continue
            page.goto(a)
            page.screenshot(path=f"/tmp/atelier/e2eshots/z{a.replace('/','_').split('?')[0]}-{w}-{theme}.png", full_page=True)
    assert 0
