"""Every address of the hub as seven people: nothing leaks, and refusals tell nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.contrib import admin
from django.test import Client, TestCase
from django.urls import reverse

from hub.core.models import AuditEvent
from tests.permissions.addresses import ADDRESSES, SIGNED_IN, Leads
from tests.permissions.asking import (
    NAMED,
    PART,
    WHOLE,
    Cache,
    answered,
    as_long,
    ask,
    attempt,
    leaked,
    missing,
    path_of,
    plain,
    told,
)
from tests.permissions.world import ANYONE, SECRETS, Thing, World, make_world


def test_every_address_is_in_the_table():
    """A new page or endpoint is entered in addresses.py, with who may ask for it."""
    assert sorted(set(NAMED) - set(ADDRESSES)) == []
    assert sorted(set(ADDRESSES) - set(NAMED)) == []


#: All of a team see alike, owners and administrators everything: these meet every refusal.
LOOKERS = ("stranger", "viewer", "member")
OPENERS = ("anonymous", "viewer", "member")
PASSERS_BY = ("anonymous", "member")
#: Open to everyone: nobody is shown more of them than passers-by are.
ALIKE = ("bucketwheel", "oldharbour")
#: Whose people are those of a thing that is asked about anyway.
FORMS_LIKE_ANOTHER = ("wolframite", "zebedia")


LEADS = {name: rule for name, rule in ADDRESSES.items() if isinstance(rule, Leads)}


def hidden_from(world: World, role: str, rule: Leads) -> list[Thing]:
    """Things to which this role is the nearest outsider: those further off see no more."""
    near = (thing for thing in world.things[rule.kind] if role not in thing.audience)
    return [thing for thing in near if (role == "stranger") == ("member" in thing.audience)]


def may(role: str, rule: Leads, thing: Thing) -> bool:
    if "stranger" in rule.does:
        return role in rule.does
    return role in rule.does and role in thing.people


PROBES = {
    "search": ("q={}",),
    "models": ("q={}", "tag={} tag", "q={}_trigger", "user=mika&q={}", "team=&q={}"),
    "models_manifest": ("q={}",),
    "models_aria2": ("q={}",),
    "images": ("q={}", "model={model_id}", "version={version_id}"),
    "collections": ("q={}",),
    "civitai-models": (
        "query={}",
        "tag={} tag",
        "ids={model_id}",
        "modelVersionIds={version_id}",
        "query={hash_text}",
    ),
    "civitai-images": ("modelId={model_id}", "modelVersionId={version_id}"),
    "civitai-tags": ("query={}",),
    "civitai-collections": ("query={}",),
    "api_models": ("q={}", "query={}"),
    "api_file_by_name": ("name={}.safetensors",),
}

ALL_PROBES = [(name, probe) for name, probes in PROBES.items() for probe in probes]


class PermissionMatrix(TestCase):
    """One world for all tests, which takes longer to make than to look at: Django's own way."""

    world: World

    @classmethod
    def setUpTestData(cls) -> None:
        folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.world = make_world(folder)

    def browser_of(self, role: str) -> Client:
        client = Client()
        if (person := self.world.people[role]) is not None:
            client.force_login(person)
        return client

    def test_what_is_hidden_answers_like_what_is_not_there(self) -> None:
        before = AuditEvent.objects.count()
        wrong = []
        for role in LOOKERS:
            headers = WHOLE if role == "stranger" else PART  # the frame is the same for all three
            client, nowhere = self.browser_of(role), Cache(headers)
            for name, rule in LEADS.items():
                for thing in hidden_from(self.world, role, rule):
                    path = path_of(name, thing.keys)
                    status, text = ask(client, path, rule.method, headers, **rule.data)
                    other = nowhere.ask(client, name, rule, missing(thing.keys))
                    same = (status, plain(text, path, thing.keys)) == other
                    if not same or status < 300 or leaked(role, text, path):
                        wrong.append((role, name, thing.word, status, other[0]))
        assert wrong == []
        assert AuditEvent.objects.count() == before

    def test_no_method_of_the_api_tells_what_is_hidden_from_what_is_not_there(self) -> None:
        client, wrong = self.browser_of("stranger"), []
        for name, rule in LEADS.items():
            things = self.world.things[rule.kind] if name.startswith("api_") else ()
            thing = next((row for row in things if "stranger" not in row.audience), None)
            if thing is None:
                continue
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                told = [
                    answered(client, method, path_of(name, keys), keys)
                    for keys in (thing.keys, missing(thing.keys))
                ]
                if told[0] != told[1]:
                    wrong.append((name, method, thing.word, told))
        assert wrong == []

    def test_what_may_be_opened_shows_nothing_of_other_things(self) -> None:
        wrong = []
        for role in OPENERS:
            client = self.browser_of(role)
            for name, thing in self.open_to(role):
                path = path_of(name, thing.keys)
                status, text = ask(client, path)
                found = leaked(role, text, path) - {thing.word}
                if found or status >= 500 or (status == 404 and ADDRESSES[name].method == "get"):
                    wrong.append((role, name, thing.word, status, found))
        assert wrong == []

    def open_to(self, role: str) -> Iterator[tuple[str, Thing]]:
        """What this role may open; what is open to everyone alike, once."""
        for name, rule in LEADS.items():
            for thing in self.world.things[rule.kind] if rule.answers else ():
                if role in thing.audience and (role == "anonymous" or thing.word not in ALIKE):
                    yield name, thing

    def test_forms_obey_the_people_of_a_thing_and_nobody_else(self) -> None:
        wrong = []
        for role in ("stranger", "viewer", "member", "manager", "owner"):
            client = self.browser_of(role)
            for name, thing in self.open_to(role):
                rule = LEADS[name]
                if rule.does == ANYONE or thing.word in FORMS_LIKE_ANOTHER:
                    continue
                status, left = attempt(client, path_of(name, thing.keys), rule)
                refused = status in (401, 403)
                if may(role, rule, thing):
                    wrong += [(role, name, thing.word, status)] if refused else []
                elif left or status < 300 or status >= 500:
                    wrong += [(role, name, thing.word, status, left)]
        assert wrong == []

    def test_lists_searches_and_counts_show_no_word_of_what_is_hidden(self) -> None:
        wrong = []
        for role in PASSERS_BY:
            client = self.browser_of(role)
            for name, rule in ADDRESSES.items():
                if isinstance(rule, Leads) or NAMED[name].pattern.regex.groupindex:
                    continue
                for method in ("get", "post"):
                    status, text = ask(client, reverse(name), method)
                    if leaked(role, text) or status >= 500:
                        wrong.append((role, name, method, status, leaked(role, text)))
                if rule == SIGNED_IN and role == "anonymous" and status not in (302, 401, 405):
                    wrong.append((role, name, status))
        assert wrong == []

    def test_a_list_answers_for_a_hidden_model_as_for_one_that_is_not_there(self) -> None:
        wrong = []
        for role in PASSERS_BY:
            client = self.browser_of(role)
            for thing in self.world.things["hash"]:
                if role in SECRETS.get(thing.word, ANYONE):
                    continue
                no_keys = as_long(thing.keys)
                for name, probe in ALL_PROBES:
                    place = reverse(name)
                    asked = probe.format(thing.word, **thing.keys)
                    nowhere = probe.format(thing.word[::-1], **no_keys)
                    answer = told(client, f"{place}?{asked}")
                    if answer != told(client, f"{place}?{nowhere}"):
                        wrong.append((role, name, probe, thing.word, answer))
        assert wrong == []

    def test_the_administration_is_for_administrators(self) -> None:
        places = ["admin:index"]
        for model in admin.site._registry:
            meta = model._meta
            places += [f"admin:{meta.app_label}_{meta.model_name}_changelist"]
        for role in ("anonymous", "manager"):
            client = self.browser_of(role)
            for place in places:
                status, text = ask(client, reverse(place))
                assert (status, text) == (302, ""), (role, place)
        assert ask(self.browser_of("admin"), reverse("admin:index"))[0] == 200
