"""What the virus scanner adds to a verdict, where one is configured."""

from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop

from hub.formats.detection import FileType
from models_registry.models.file import ScanStatus
from models_registry.scanning.clamav import VirusVerdict, ask_clamav, is_configured
from models_registry.scanning.outcome import ScanOutcome

INFECTED = gettext_noop("The virus scanner found %(names)s. This file is not handed out to anyone.")
NOT_WHOLE = gettext_noop("The virus scanner could not look at the whole file: %(reason)s")
TOO_LARGE_FOR_IT = "larger than CLAMAV_MAX_BYTES"


def with_virus_verdict(path: Path, outcome: ScanOutcome, file_type: FileType) -> ScanOutcome:
    """The verdict with what ClamAV says; unchanged where no scanner is configured.

    A file that it could not look at whole is not cleared, with one exception: a safetensors file
    whose header accounts for every byte holds numbers that nothing runs, and scanners stop at 2
    GiB where checkpoints begin. Raises ScannerAway.
    """
    if not is_configured() or outcome.status == ScanStatus.DANGER:
        return outcome
    if path.stat().st_size > settings.CLAMAV_MAX_BYTES:
        verdict = VirusVerdict(reason=TOO_LARGE_FOR_IT)
    else:
        verdict = ask_clamav(path)
    if verdict.is_clean:
        return outcome.with_facts(virus={"status": ScanStatus.SUCCESS, "message": ""})
    if verdict.signature:
        found = replace(
            outcome,
            status=ScanStatus.DANGER,
            message=INFECTED,
            params={"names": verdict.signature},
            has_braces=False,
        )
        said = {"status": ScanStatus.DANGER, "message": verdict.signature}
        return found.with_facts(virus=said)
    said = {"status": ScanStatus.ERROR, "message": verdict.reason}
    if outcome.status == ScanStatus.SUCCESS and file_type is not FileType.SAFETENSORS:
        outcome = replace(
            outcome,
            status=ScanStatus.ERROR,
            message=NOT_WHOLE,
            params={"reason": verdict.reason},
        )
    return outcome.with_facts(virus=said)
