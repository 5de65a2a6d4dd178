"""What the bytes of a model file say: verdict, format, header. Reads only, never runs.

| content | verdict |
|---|---|
| safetensors with a valid header, and nothing else behind it | Success |
| GGUF with a valid header, and nothing else behind it | Success |
| pickle, all imports known and harmless, picklescan finds nothing | Success |
| pickle with a dangerous import | Danger |
| pickle that could not be followed, imports unknown names or uses unusual opcodes | Error |
| pickle whose frames are longer or shorter than they say | Error |
| pickle that changes what it imports, or whose values never end | Error |
| torch file without all the numbers that it names, or with something behind them | Error |
| picture, archive, text where the kind of file expects one, every part of it looked at | Success |
| picture with bytes behind its end, or an archive or script inside (`picture_end`) | Error |
| JPEG with what cameras write behind its end: more JPEGs, a video, Samsung's blocks | Success |
| a file that can be opened as something else too, or that lies about its type | Error |
| whatever the virus scanner names, where one is configured | Danger |
| anything else | Error, with the reason |

"Nothing was scanned" is never Success.
"""

from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from django.conf import settings

from hub.formats.detection import PICKLE_TYPES, FileType, detect_type
from hub.formats.disguises import check_single_nature, hidden_calls
from hub.formats.errors import FormatError
from hub.formats.file_hashing import hash_file
from hub.formats.gguf_header import GgufLimits, read_gguf
from hub.formats.hashes import FileHashes
from hub.formats.model_kind import ModelGuess, Precision, guess_model
from hub.formats.name_claims import is_untrue
from hub.formats.pickle_globals import Verdict
from hub.formats.pickles import PickleReport, scan_pickle
from hub.formats.safetensors_header import (
    LENGTH_BYTES,
    HeaderLimits,
    SafetensorsHeader,
    read_header,
)
from hub.formats.text_content import TEXT_SAMPLE_BYTES, is_active_name, is_text
from models_registry.models.file import FileFormat, ScanStatus
from models_registry.scanning.other_content import MODEL_SUFFIXES, judge_other
from models_registry.scanning.outcome import (
    DANGEROUS_PICKLE,
    LYING_NAME,
    NO_WEIGHTS,
    SAFE_GGUF,
    SAFE_HEADER,
    SAFE_PICKLE,
    SUSPICIOUS_PICKLE,
    ScanOutcome,
    refused,
)
from models_registry.scanning.second_opinion import ask_picklescan
from models_registry.scanning.viruses import with_virus_verdict

NAMED_SAFETENSORS = (".safetensors", ".sft")
NAMED_PICKLE = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
NAMED_GGUF = (".gguf",)
FORMATS = {FileType.ONNX: FileFormat.ONNX}
SHOWN_NAMES = 10


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the scan found; header and guess for safetensors only."""

    file_type: FileType
    format: str
    outcome: ScanOutcome
    header: SafetensorsHeader | None = None
    guess: ModelGuess | None = None

    @property
    def precision(self) -> str:
        """Number format of most weights in Civitai's spelling, empty when it is not known."""
        if self.guess is None or self.guess.precision is Precision.UNKNOWN:
            return ""
        return self.guess.precision.value


def hash_content(path: Path) -> FileHashes:
    """All seven hashes in one pass."""
    return hash_file(path, limits=header_limits())


def header_limits() -> HeaderLimits:
    """How much a safetensors header may ask for on this hub."""
    return HeaderLimits(max_header_bytes=settings.SAFETENSORS_HEADER_MAX_BYTES)


def gguf_limits() -> GgufLimits:
    """How much a GGUF header may ask for on this hub."""
    return GgufLimits(max_header_bytes=settings.GGUF_HEADER_MAX_BYTES)


def scan_content(path: Path, *, kind: str, name: str) -> Inspection:
    """Judge the content as a file of this kind; `name` is only held against it.

    Raises ScannerAway while a configured virus scanner does not answer.
    """
    found = _inspect(path, kind, name)
    return replace(found, outcome=with_virus_verdict(path, found.outcome, found.file_type))


def _inspect(path: Path, kind: str, name: str) -> Inspection:
    file_type = _type_of(path, name)
    if file_type is FileType.SAFETENSORS:
        return _inspect_safetensors(path)
    if file_type in PICKLE_TYPES:
        outcome = _truly_named(_scan_pickle(path, file_type), file_type, name, NAMED_PICKLE)
        return Inspection(file_type, FileFormat.PICKLETENSOR, outcome)
    if file_type is FileType.GGUF:
        return _inspect_gguf(path, name)
    outcome = judge_other(path, file_type, kind=kind, name=name)
    return Inspection(file_type, FORMATS.get(file_type, FileFormat.OTHER), outcome)


def _type_of(path: Path, name: str) -> FileType:
    """The type by content; what has no signature is a pickle if it calls something as one."""
    file_type = detect_type(path)
    if file_type is not FileType.UNKNOWN:
        return file_type
    with path.open("rb") as stream:
        if hidden_calls(stream):
            return FileType.PICKLE
        stream.seek(0)
        sample = stream.read(TEXT_SAMPLE_BYTES)
    # A broken header deserves the reason of a safetensors file, not that of an unknown one.
    claims = name.lower().endswith(NAMED_SAFETENSORS) and not is_text(sample)
    begins_so = sample[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return FileType.SAFETENSORS if claims or begins_so else file_type


def _inspect_safetensors(path: Path) -> Inspection:
    try:
        header = read_header(path, limits=header_limits())
        with path.open("rb") as stream:
            check_single_nature(stream)
    except FormatError as error:
        return Inspection(FileType.SAFETENSORS, FileFormat.SAFETENSOR, refused(error))
    if not header.tensors:
        outcome = ScanOutcome(ScanStatus.ERROR, NO_WEIGHTS)
        return Inspection(FileType.SAFETENSORS, FileFormat.SAFETENSOR, outcome)
    outcome = ScanOutcome(ScanStatus.SUCCESS, SAFE_HEADER, report={"tensors": len(header.tensors)})
    return Inspection(
        FileType.SAFETENSORS, FileFormat.SAFETENSOR, outcome, header, guess_model(header)
    )


def _inspect_gguf(path: Path, name: str) -> Inspection:
    try:
        header = read_gguf(path, limits=gguf_limits())
        with path.open("rb") as stream:
            check_single_nature(stream)
    except FormatError as error:
        return Inspection(FileType.GGUF, FileFormat.GGUF, refused(error))
    facts = {"tensors": len(header.tensors), "quant_type": header.main_type}
    outcome = ScanOutcome(ScanStatus.SUCCESS, SAFE_GGUF, report=facts)
    outcome = _truly_named(outcome, FileType.GGUF, name, NAMED_GGUF)
    return Inspection(FileType.GGUF, FileFormat.GGUF, outcome)


def _truly_named(
    outcome: ScanOutcome, file_type: FileType, name: str, own: tuple[str, ...]
) -> ScanOutcome:
    """Not cleared under the name of another format: it stays the name that others save it by."""
    suffix = PurePath(name).suffix.lower()
    is_other = suffix in MODEL_SUFFIXES or is_active_name(name) or is_untrue(name, file_type)
    if outcome.status != ScanStatus.SUCCESS or not is_other or suffix in own:
        return outcome
    params = {"suffix": suffix, "type": file_type.value}
    return replace(outcome, status=ScanStatus.ERROR, message=LYING_NAME, params=params)


def _scan_pickle(path: Path, file_type: FileType) -> ScanOutcome:
    try:
        report = scan_pickle(path)
    except FormatError as error:
        return refused(error)
    outcome = _judged(report)
    if outcome.status != ScanStatus.SUCCESS:
        return outcome
    # Asked only about files that are within our limits: picklescan itself has none.
    opinion = ask_picklescan(path, suffix=".pkl" if file_type is FileType.PICKLE else ".pt")
    if opinion.dangerous:
        names = {"names": ", ".join(opinion.dangerous[:SHOWN_NAMES])}
        outcome = replace(outcome, status=ScanStatus.DANGER, message=DANGEROUS_PICKLE, params=names)
    return outcome.with_facts(second_opinion=opinion.as_report())


def _judged(report: PickleReport) -> ScanOutcome:
    facts = {
        "container": report.container.value,
        "pickles": report.pickle_count,
        "problems": list(report.problems),
        "imports": [
            {"module": item.module, "name": item.name, "verdict": item.verdict.value}
            for item in report.imports
        ],
    }
    if report.verdict is Verdict.SAFE:
        return ScanOutcome(ScanStatus.SUCCESS, SAFE_PICKLE, report=facts)
    if report.verdict is Verdict.DANGEROUS:
        names = {"names": _names(report, Verdict.DANGEROUS)}
        return ScanOutcome(ScanStatus.DANGER, DANGEROUS_PICKLE, names, facts)
    unknown = _names(report, Verdict.SUSPICIOUS)
    names = {"names": "; ".join(filter(None, [unknown, *report.problems]))}
    return ScanOutcome(ScanStatus.ERROR, SUSPICIOUS_PICKLE, names, facts)


def _names(report: PickleReport, verdict: Verdict) -> str:
    found = report.imports_judged(verdict)
    return ", ".join(f"{item.module}.{item.name}" for item in found[:SHOWN_NAMES])
