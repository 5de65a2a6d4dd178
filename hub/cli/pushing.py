"""Bringing model files of this machine to the hub, with what lies beside them.

Bytes that the hub and this person have already are never sent again. Files whose sidecars name the
same version become one version, those that name the same model its versions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hub.cli.carrying import file_facts, give_to_model, give_to_version
from hub.cli.download import file_sha256
from hub.cli.errors import CliError, LocalProblem, NotFound, Refused, Unreachable
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.local_models import LocalModel, name_as_text
from hub.cli.terminal import Terminal
from hub.cli.upload import Sending, forget, send

HASHES_AT_ONCE = 100
DRAFT = "Draft"
PENDING = "Pending"
FULL = "too_many_covers"
CHECK_SECONDS = (1.0, 2.0, 4.0, 8.0, *(15.0,) * 40)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person says for all files; empty means: as each file says."""

    model_id: int | None = None
    model_type: str = ""
    base_model: str = ""
    team: str = ""
    visibility: str = ""
    publish: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one file: `sent`, `linked` (its bytes were there), `here` or `failed`."""

    path: str
    sha256: str
    outcome: str
    model_id: int | None = None
    version_id: int | None = None
    status: str = ""
    error: str = ""
    code: str = ""

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


@dataclass
class Push:
    """One run of `push`: the steps share what was made so far."""

    hub: HubClient
    terminal: Terminal
    wishes: Wishes
    _models: dict[str, int] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _pictures: set[tuple[int, str]] = field(default_factory=set)

    def run(self, files: Sequence[LocalModel]) -> list[Pushed]:
        """Push every file; one that fails does not stop the others, a hub that is gone does."""
        known = self._known(files)
        self._go_on_with_drafts(files, known)
        done = []
        for file in files:
            try:
                done.append(self._push(file, known.get(file.sha256, ())))
            except Unreachable:
                raise
            except CliError as error:
                done.append(_failed(file, error))
        return [*self._published(done)] if self.wishes.publish else done

    def _known(self, files: Sequence[LocalModel]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Files of the hub by the SHA-256 of ours."""
        hashes = list(dict.fromkeys(file.sha256 for file in files))
        found: dict[str, Any] = {}
        for start in range(0, len(hashes), HASHES_AT_ONCE):
            part = hashes[start : start + HASHES_AT_ONCE]
            found |= self.hub.post("files/by-hash/", {"hashes": part})["found"]
        return found

    def _go_on_with_drafts(self, files: Sequence[LocalModel], known: Mapping[str, Any]) -> None:
        """Drafts of an interrupted run take the rest of their files."""
        for file in files:
            for row in known.get(file.sha256, ()):
                if row["version_status"] == DRAFT:
                    self._note(file, row["model_id"], row["version_id"])

    def _push(self, file: LocalModel, known: Sequence[Mapping[str, Any]]) -> Pushed:
        fitting = [row for row in known if self.wishes.model_id in (None, row["model_id"])]
        if fitting:
            row = next((row for row in fitting if row["version_status"] == DRAFT), fitting[0])
            ids = {"model_id": row["model_id"], "version_id": row["version_id"]}
            return Pushed(str(file.path), file.sha256, "here", **ids, status=row["version_status"])
        self._type_of(file)
        sending = None if known else Sending(file.path, file.file_name, "model_file", file.sha256)
        # The model comes after the bytes, so that a broken line leaves no empty one behind.
        upload_id = send(self.hub, sending, self.terminal) if sending else ""
        version_id, model_id, is_new = self._version(file)
        body: dict[str, Any] = {"upload_id": upload_id} if sending else {"sha256": file.sha256}
        body |= {"name": file.file_name, "is_primary": False}
        with self._using(sending):
            self._add_file(version_id, body, file)
        self._add_pictures(file, version_id)
        if is_new:
            self._carry(give_to_version, version_id, file)
        return Pushed(
            path=str(file.path),
            sha256=file.sha256,
            outcome="linked" if known else "sent",
            model_id=model_id,
            version_id=version_id,
            status=DRAFT,
        )

    @contextmanager
    def _using(self, sending: Sending | None) -> Iterator[None]:
        """Use an upload; once the hub has said yes or no, there is nothing left to resume."""
        try:
            yield
        except Unreachable:
            raise
        except CliError:
            self._forget(sending)
            raise
        self._forget(sending)

    def _add_file(self, version_id: int, body: dict[str, Any], file: LocalModel) -> None:
        """With what another hub knew of the file; without, where this hub refuses that."""
        path = f"versions/{version_id}/files/"
        facts = file_facts(file.sidecars.carried, file.sha256)
        try:
            self.hub.post(path, body | facts)
        except Refused as error:
            if not facts:
                raise
            self.hub.post(path, body)
            self._note_refusal(file, error)

    def _forget(self, sending: Sending | None) -> None:
        if sending is not None:
            forget(self.hub, sending)

    def _carry(
        self, give: Callable[[HubClient, int, Mapping[str, Any]], None], key: int, file: LocalModel
    ) -> None:
        """Hand on what another hub knew; what this one will not have is said, and no harm done."""
        try:
            give(self.hub, key, file.sidecars.carried)
        except (Refused, NotFound) as error:
            self._note_refusal(file, error)

    def _note_refusal(self, file: LocalModel, error: CliError) -> None:
        self.terminal.note(
            _("Not everything that was known of {name} was taken: {reason}").format(
                name=file.file_name, reason=error
            )
        )

    def _version(self, file: LocalModel) -> tuple[int, int, bool]:
        """The version that takes the file, its model, and whether it was made for it."""
        model_key, version_key = _keys(file)
        if version_key in self._versions and self.wishes.model_id is None:
            return self._versions[version_key], self._models[model_key], False
        model_id = self.wishes.model_id or self._models.get(model_key) or self._make_model(file)
        facts: dict[str, Any] = {
            "name": file.sidecars.version_name[:80],
            "base_model": self.wishes.base_model or file.base_model,
            "description": file.sidecars.description,
            "trigger_words": list(file.sidecars.trigger_words),
        }
        sent = {name: value for name, value in facts.items() if value}
        if file.sidecars.weight is not None:
            sent["weight"] = {"default": f"{file.sidecars.weight:.2f}"}
        version_id = self._make_version(model_id, sent)
        self._note(file, model_id, version_id)
        return version_id, model_id, True

    def _make_model(self, file: LocalModel) -> int:
        body = {"name": file.name[:120], "type": self._type_of(file)}
        chosen = {"team": self.wishes.team, "visibility": self.wishes.visibility}
        sent = body | {name: value for name, value in chosen.items() if value}
        model_id = int(self.hub.post("models/", sent)["model"]["id"])
        self._carry(give_to_model, model_id, file)
        return model_id

    def _make_version(self, model_id: int, sent: dict[str, Any]) -> int:
        """A base model that this hub does not know is left open, for a person to choose."""
        try:
            return int(self.hub.post(f"models/{model_id}/versions/", sent)["id"])
        except Refused as error:
            if error.error_code != "base_unknown" or self.wishes.base_model:
                raise
            self.terminal.note(_("{reason} It is left open.").format(reason=error.message))
            rest = {name: value for name, value in sent.items() if name != "base_model"}
            return int(self.hub.post(f"models/{model_id}/versions/", rest)["id"])

    def _add_pictures(self, file: LocalModel, version_id: int) -> None:
        """Every picture once, whole: what it says of how it was made comes along."""
        for picture in file.sidecars.pictures:
            try:
                self._add_picture(picture, version_id)
            except (Refused, OSError) as error:
                self.terminal.note(
                    _("The picture {name} was not taken: {reason}").format(
                        name=name_as_text(picture.name), reason=error
                    )
                )
                if isinstance(error, Refused) and error.error_code == FULL:
                    return

    def _add_picture(self, picture: Path, version_id: int) -> None:
        sha256 = file_sha256(picture)
        if (version_id, sha256) in self._pictures:
            return
        sending = Sending(picture, name_as_text(picture.name), "image", sha256)
        upload_id = send(self.hub, sending, self.terminal)
        with self._using(sending):
            self.hub.post(f"versions/{version_id}/covers/", {"upload_id": upload_id})
        self._pictures.add((version_id, sha256))

    def _type_of(self, file: LocalModel) -> str:
        found = self.wishes.model_type or file.model_type
        if not found and self.wishes.model_id is None:
            raise LocalProblem(
                _(
                    "What kind of model {name} is cannot be told from its bytes. "
                    "Say it with --type, for example --type TextualInversion."
                ).format(name=file.file_name),
                code="type_unknown",
            )
        return found

    def _note(self, file: LocalModel, model_id: int, version_id: int) -> None:
        model_key, version_key = _keys(file)
        self._models.setdefault(model_key, model_id)
        self._versions.setdefault(version_key, version_id)

    def _published(self, done: Sequence[Pushed]) -> Iterator[Pushed]:
        """Publish each draft once; waits until the hub has looked at its files."""
        results: dict[int, Pushed | CliError | str] = {}
        for row in done:
            if row.version_id is None or row.status != DRAFT:
                yield row
                continue
            if row.version_id not in results:
                try:
                    results[row.version_id] = self._publish(row.version_id)
                except CliError as error:
                    results[row.version_id] = error
            outcome = results[row.version_id]
            changes: dict[str, Any] = {"status": outcome}
            if isinstance(outcome, CliError):
                changes = {"error": outcome.message, "code": outcome.error_code}
            yield Pushed(**{**asdict(row), **changes})

    def _publish(self, version_id: int) -> str:
        for seconds in CHECK_SECONDS:
            files = self.hub.get(f"versions/{version_id}/")["files"]
            if all(file["scan_status"] != PENDING for file in files):
                break
            self.terminal.wait(seconds)
        return str(self.hub.post(f"versions/{version_id}/publish/")["status"])


def _keys(file: LocalModel) -> tuple[str, str]:
    """What files share that belong to one model, and to one version; else the bytes themselves."""
    model, version = file.sidecars.group
    model_key = f"model {model}" if model else file.sha256
    return model_key, f"{model_key} version {version or file.sha256}"


def _failed(file: LocalModel, error: CliError) -> Pushed:
    return Pushed(str(file.path), file.sha256, "failed", error=error.message, code=error.error_code)
