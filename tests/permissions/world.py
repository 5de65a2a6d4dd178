"""A small hub in which every hidden thing carries a word that stands nowhere else.

Seven people look at it: nobody in particular, a stranger, a viewer, a member and a manager of the
team, the owner of everything, and an administrator. A page that shows somebody a word of a thing
which is not theirs to see has leaked it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from gallery.models import Image
from gallery.services.moderation import hide_image
from hub.accounts.drafts import save_draft
from hub.accounts.models import Role, Team, User
from hub.accounts.services import add_member, create_api_token, create_invite
from hub.comments.services import add_comment
from hub.core.visibility import Visibility
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import collections, drafts, publish, recommendations
from models_registry.services.engagement import write_note
from models_registry.services.importing import begin_import
from models_registry.services.reviews import write_review
from models_registry.services.values import Example, Resource
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import INFOTEXT, make_image, png_bytes
from tests.factories.grids import make_grid
from tests.factories.registry import add_clean_file, make_model, make_version
from tests.factories.runs import finished_run
from tests.factories.training import fill, make_base, make_dataset
from tests.models_registry.test_drafts import picture_blob
from training.datasets.models.importing import DatasetImport
from training.jobs.models.comparison import Comparison

ANYONE = ("anonymous", "stranger", "viewer", "member", "manager", "owner", "admin")
TEAM = ("viewer", "member", "manager", "owner", "admin")
OWN = ("owner", "admin")

#: Words of things and who may meet them in a list, a search, a count, a page of something else.
SECRETS = {
    "zebedia": TEAM,
    "wolframite": OWN,
    "hyacinthe": OWN,
    "bucketwheel": TEAM,
    "kestrelfog": TEAM,
    "vermilioux": TEAM,
    "jackdawtin": OWN,
    "ternfeather": OWN,
    "gentianvox": OWN,
    "pumicestar": TEAM,
    "umbraquill": OWN,
    "nightjarzo": TEAM,
    "xanthippe": ("owner",),
    "fjordmoss": ("owner",),
    "thimblewick": ("owner",),
    "cobaltrye": ("owner",),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something with an address: its keys as URLs name them, who may open it, whose it is."""

    word: str
    keys: dict[str, Any]
    audience: tuple[str, ...]
    people: tuple[str, ...] = OWN


@dataclass(slots=True)
class World:
    """The people by role and the things by kind."""

    people: dict[str, User | None] = field(default_factory=dict)
    things: dict[str, list[Thing]] = field(default_factory=dict)
    team: Team | None = None

    def add(
        self,
        kind: str,
        word: str,
        audience: tuple[str, ...],
        keys: dict[str, Any],
        *,
        people: tuple[str, ...] = OWN,
    ) -> None:
        """Note a thing of a kind."""
        self.things.setdefault(kind, []).append(Thing(word, keys, audience, people))


def make_world(folder: Path) -> World:
    """Everything once, through the services."""
    world = World()
    _leave_short_numbers_unused()
    owner, boss = UserFactory(username="mika"), UserFactory(username="boss")
    team = make_team(owner=boss, name="Night studio")
    people = {
        "anonymous": None,
        "stranger": UserFactory(username="stranger"),
        "viewer": UserFactory(username="viewer"),
        "member": UserFactory(username="member"),
        "manager": boss,
        "owner": owner,
        "admin": UserFactory(username="root", is_superuser=True, is_staff=True),
    }
    world.people, world.team = people, team
    for name in ("owner", "member"):
        add_member(actor=boss, team=team, user=people[name], role=Role.MEMBER)
    add_member(actor=boss, team=team, user=people["viewer"], role=Role.VIEWER)
    make_team(owner=people["stranger"], name="Elsewhere")
    guest = UserFactory(username="guest")
    add_member(actor=boss, team=team, user=guest, role=Role.MEMBER)
    invite, _key = create_invite(actor=boss, team=team)
    keys = {"slug": team.slug, "user_id": guest.pk, "invite_id": invite.pk}
    world.add("team", "night-studio", TEAM, keys, people=TEAM)
    world.add("person", "mika", ANYONE, {"username": "mika", "name": "mika"})
    world.add("tag", "wolframite", OWN, {"name": "wolframite tag"})
    models = _models(world, owner, team, people["member"])
    _pictures(world, owner, team, models)
    _collections(world, owner, models)
    _training(world, owner, team, models, folder)
    _personal(world, owner, models["public"])
    return world


def _leave_short_numbers_unused() -> None:
    """So that some number leads nowhere, of as many digits as any that leads somewhere."""
    serial = "pg_get_serial_sequence(%s, 'id')"
    statement = f"select setval({serial}, greatest(nextval({serial}), 1000))"
    with connection.cursor() as cursor:
        for kind in (Model, ModelVersion, Image):
            cursor.execute(statement, [kind._meta.db_table] * 2)


def _models(world: World, owner: User, team: Team, member: User) -> dict[str, ModelVersion]:
    kinds = {
        "public": ("plainsong", team, Visibility.PUBLIC, ANYONE),
        "unlisted": ("bucketwheel", team, "unlisted", ANYONE),
        "team": ("zebedia", team, Visibility.TEAM, TEAM),
        "private": ("wolframite", None, Visibility.PRIVATE, OWN),
        "draft": ("hyacinthe", None, Visibility.PUBLIC, OWN),
        "archived": ("oldharbour", None, Visibility.PUBLIC, ANYONE),
    }
    made: dict[str, ModelVersion] = {}
    for seed, (name, (word, place, visibility, audience)) in enumerate(kinds.items(), start=1):
        version = _version(owner, place, visibility, word, seed)
        if name != "draft":
            publish.publish_version(actor=owner, version=version)
        if name == "archived":
            publish.archive_model(actor=owner, model=version.model)
        made[name] = version
        _note_model(world, version, word, audience)
    unscanned = add_clean_file(
        made["public"], seed=50, name="kestrelfog.safetensors", is_primary=False
    )
    ModelFile.objects.filter(pk=unscanned.pk).update(scan_status=ScanStatus.PENDING)
    for name in ("public", "unlisted", "team"):
        write_review(actor=member, version=made[name], rating=4)
    return made


def _version(owner: User, team: Team | None, visibility: str, word: str, seed: int) -> ModelVersion:
    model = make_model(
        owner=owner,
        team=team,
        name=f"Ink {word}",
        tags=[f"{word} tag"],
        visibility=visibility,
        description=f"About {word}",
    )
    version = make_version(model, trigger_words=[f"{word}_trigger"], description=word)
    add_clean_file(version, seed=seed, name=f"{word}.safetensors")
    text = f"{word} prompt\n{INFOTEXT}"
    blob = picture_blob(f"#0000{seed:02x}")
    drafts.add_cover(actor=owner, version=version, blob=blob, generation_text=text)
    recommendations.add_example_prompt(
        actor=owner, version=version, example=Example(prompt=f"{word} at sea")
    )
    return version


def _note_model(world: World, version: ModelVersion, word: str, audience: tuple[str, ...]) -> None:
    model, file = version.model, version.files.get()
    comment = add_comment(actor=model.owner, subject=model, text=f"{word} comment")
    keys = {
        "slug": model.slug,
        "model_id": model.pk,
        "version_id": version.pk,
        "file_id": file.pk,
        "hash_text": file.blob.sha256,
        "comment_id": comment.pk,
        "cover_id": version.covers.get().pk,
        "name": model.slug,
        "kind": "save",
        "action": "first",
    }
    people = TEAM if model.team_id else OWN
    world.add("model", word, audience, keys, people=people)
    world.add("comment", word, audience, keys, people=people)
    compared = Comparison.objects.create(
        version=version,
        requested_by=model.owner,
        prompts=[f"{word} compared"],
        seeds=[1],
        steps=2,
        guidance=5,
        total_cells=1,
    )
    drawn = {"comparison_id": compared.pk, "action": "cancel"}
    world.add("comparison", word, audience, drawn, people=people)
    world.add("file", word, audience, keys, people=people)
    # Civitai's API knows only what is published; hashes find only what lists may show.
    known = () if word == "hyacinthe" else audience
    world.add("published", word, known, keys, people=people)
    by_hash = known if word != "bucketwheel" else TEAM
    world.add("hash", word, by_hash, keys, people=people)


def _pictures(world: World, owner: User, team: Team, models: dict[str, ModelVersion]) -> None:
    for number, (word, place, visibility, audience, with_model) in enumerate(
        (
            ("plain", None, Visibility.PUBLIC, ANYONE, "private"),
            ("vermilioux", team, Visibility.TEAM, TEAM, "team"),
            ("jackdawtin", None, Visibility.PRIVATE, OWN, "public"),
            ("ternfeather", None, Visibility.PUBLIC, OWN, "public"),
        )
    ):
        text = INFOTEXT.replace("1girl", f"1girl {word}")
        image = make_image(
            owner=owner,
            data=png_bytes(colour=(number, 7, 7), texts={"parameters": text}),
            team=place,
            visibility=visibility,
            model_version=models[with_model],
        )
        comment = add_comment(actor=owner, subject=image, text=f"{word} remark")
        if word == "ternfeather":
            hide_image(actor=world.people["admin"], image=image, now=timezone.now())
        keys = {"image_id": image.pk, "comment_id": comment.pk, "kind": "like"}
        world.add("image", word, audience, keys)
        world.add("comment", word, audience, keys)


def _collections(world: World, owner: User, models: dict[str, ModelVersion]) -> None:
    for word, visibility, audience in (
        ("shown", Visibility.PUBLIC, ANYONE),
        ("gentianvox", Visibility.PRIVATE, OWN),
    ):
        made = collections.create_collection(
            actor=owner, name=f"List {word}", description=word, visibility=visibility
        )
        for version in models.values():
            collections.collect_model(actor=owner, collection=made, model=version.model)
        world.add("collection", word, audience, {"collection_id": made.pk})


def _training(
    world: World, owner: User, team: Team, models: dict[str, ModelVersion], folder: Path
) -> None:
    shared = make_dataset(owner=owner, team=team, name="Set pumicestar")
    own = make_dataset(owner=owner, team=team, name="Set umbraquill")
    fill(shared, tags="pumicestar words")
    fill(own, 1, tags="umbraquill words")
    type(own).objects.filter(pk=own.pk).update(visibility=Visibility.PRIVATE)
    for word, dataset, audience in (
        ("pumicestar", shared, TEAM),
        ("umbraquill", own, OWN),
    ):
        batch = DatasetImport.objects.create(
            dataset=dataset, upload_id=uuid4(), actor=owner, filename=f"{word}.zip"
        )
        keys = {"slug": dataset.slug, "key": dataset.slug, "import_id": batch.pk}
        world.add("dataset", word, audience, keys, people=audience)
    job = finished_run(
        folder,
        owner=owner,
        team=team,
        dataset=shared,
        base=make_base(owner=owner),
        name="nightjarzo",
    )
    keys = {"number": job.number, "job_id": job.pk, "key": str(job.number), "action": "cancel"}
    keys["artifact_id"] = job.artifacts.first().pk
    world.add("run", "nightjarzo", TEAM, keys, people=TEAM)
    grid = make_grid(job)
    keys = {"grid_id": grid.pk, "action": "cancel"}
    world.add("grid", "nightjarzo", TEAM, keys, people=TEAM)
    # A public version that says what it came from: nothing of that is for everyone.
    public = models["public"]
    ModelVersion.objects.filter(pk=public.pk).update(
        job_uuid=job.pk,
        dataset_snapshot_uuid=job.snapshot_id,
        base_version=models["private"],
    )
    for word in ("private", "draft"):
        recommendations.add_resource(
            actor=owner, version=public, resource=Resource("vae", version=models[word])
        )


def _personal(world: World, owner: User, public: ModelVersion) -> None:
    write_note(actor=owner, model=public.model, text="xanthippe")
    save_draft(user=owner, form="train", data={"name": "fjordmoss"})
    token, _key = create_api_token(actor=owner, name="cobaltrye", scopes=["models:read"])
    world.add("token", "cobaltrye", ("owner",), {"token_id": token.pk}, people=("owner",))
    fetched = begin_import(actor=owner, url="https://thimblewick.example/a.safetensors")
    world.add("import", "thimblewick", ("owner",), {"import_id": fetched.pk}, people=("owner",))
