"""A folder of hostile files: none is called clean, nothing runs, every one gets a clear reason."""

import pickle
import sys

import pytest

from models_registry.models.file import ScanStatus
from models_registry.scanning.inspection import scan_content
from tests.factories.gguf_files import gguf_bytes
from tests.factories.hostile import MARKER, hostile_files
from tests.factories.hostile_sizes import hostile_sizes
from tests.factories.hostile_torch import hostile_torch_files
from tests.factories.hostile_zips import hostile_zips

CASES = [*hostile_files(), *hostile_torch_files(), *hostile_zips(), *hostile_sizes()]
#: What no scan ever needs: starting something, importing a pickle's names, loading it.
FORBIDDEN_EVENTS = ("os.system", "os.mkdir", "subprocess.Popen", "pickle.find_class", "socket.")


class Watch:
    """Notes forbidden events between `begin` and `end`: a hook stays for the process's life."""

    def __init__(self):
        self.events = None
        sys.addaudithook(self._hear)

    def begin(self):
        self.events = []
        return self.events

    def end(self):
        self.events = None

    def _hear(self, event, _arguments):
        if self.events is not None and event.startswith(FORBIDDEN_EVENTS):
            self.events.append(event)


WATCH = Watch()


@pytest.fixture
def watched():
    yield WATCH.begin()
    WATCH.end()


@pytest.mark.parametrize("case", CASES, ids=[case.trick for case in CASES])
def test_a_hostile_file_is_never_clean_and_says_why(case, tmp_path, monkeypatch, watched):
    path = tmp_path / "blob"
    path.write_bytes(case.data)
    monkeypatch.chdir(tmp_path)
    outcome = scan_content(path, kind=case.kind, name=case.name).outcome
    assert outcome.status in {ScanStatus.DANGER, ScanStatus.ERROR}
    assert case.reason in outcome.sentence
    assert watched == []
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize(("spare", "status"), [(0, ScanStatus.SUCCESS), (-1, ScanStatus.ERROR)])
def test_how_long_a_gguf_header_may_be_is_a_setting(tmp_path, settings, spare, status):
    path = tmp_path / "blob"
    path.write_bytes(gguf_bytes({"w": (4, 8)}, {"general.name": "Ink"}, padded=False))
    header_bytes = 24 + (8 + 12 + 4 + 8 + 3) + (8 + 1 + 4 + 16 + 4 + 8)
    settings.GGUF_HEADER_MAX_BYTES = header_bytes + spare
    found = scan_content(path, kind="Model", name="a.gguf")
    assert found.outcome.status == status
    assert found.format == "GGUF"
    assert found.outcome.report.get("quant_type") == ("F32" if spare == 0 else None)


def test_the_watch_sees_what_it_is_there_for(tmp_path, monkeypatch, watched):
    monkeypatch.chdir(tmp_path)
    evil = next(case for case in CASES if case.trick == "REDUCE protocol 4")
    pickle.loads(evil.data)
    assert "os.mkdir" in watched
    assert (tmp_path / MARKER).exists()
