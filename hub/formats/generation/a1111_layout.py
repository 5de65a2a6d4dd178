"""Where the prompt, the negative prompt and the details of an A1111 infotext begin and end."""

from hub.formats.generation.a1111_details import Detail, scan_details
from hub.formats.generation.a1111_keys import ANCHORS, EXACT, NEGATIVE, STEPS

MIN_DETAILS = 3


def split_infotext(text: str) -> tuple[str, list[Detail] | None, str]:
    """Return what stands before the details line, the details, and what stands after it."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    details = _details_of(lines[-1])
    if details:
        return "\n".join(lines[:-1]), details, ""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith(NEGATIVE):
            break
        if lines[index].startswith(STEPS):
            trailing = "\n".join(lines[index + 1 :]).strip()
            return (
                "\n".join(lines[:index]),
                scan_details(lines[index], closed_keys=ANCHORS),
                trailing,
            )
    return _split_single_line(lines)


def _details_of(line: str) -> list[Detail] | None:
    details = scan_details(line, closed_keys=ANCHORS)
    keys = {detail.key for detail in details}
    is_details = (
        line.startswith(STEPS)
        or (EXACT in keys)
        or (len(details) >= MIN_DETAILS and details[0].key in ANCHORS and NEGATIVE not in line)
    )
    return details if is_details else None


def _split_single_line(lines: list[str]) -> tuple[str, list[Detail] | None, str]:
    """Take apart old dumps that lost their line ends: `... Negative prompt: ... Steps: ...`."""
    before, steps, after = lines[-1].rpartition(STEPS)
    details = scan_details(steps + after, closed_keys=ANCHORS) if steps else []
    if len({detail.key for detail in details} & ANCHORS) < MIN_DETAILS:
        return "\n".join(lines), None, ""
    head = before.rstrip()
    if not any(line.startswith(NEGATIVE) for line in lines):
        prompt, negative, rest = head.partition(NEGATIVE)
        head = f"{prompt.rstrip()}\n{negative}{rest}" if negative else head
    return "\n".join([*lines[:-1], head]), details, ""


def split_prompts(head: str) -> tuple[str, str]:
    """Return the prompt and the negative prompt."""
    lines = head.split("\n")
    for index, line in enumerate(lines):
        if line.startswith(NEGATIVE):
            negative = "\n".join([line.removeprefix(NEGATIVE), *lines[index + 1 :]])
            return "\n".join(lines[:index]).strip(), negative.strip()
    return head.strip(), ""
