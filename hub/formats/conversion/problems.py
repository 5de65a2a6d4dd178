"""Why a pickle could not be made into safetensors; codes cross from the child to its parent."""

from hub.formats.errors import FormatError, Problem


class ConversionError(FormatError):
    """A file that cannot be converted, or not within the limits."""


NOT_READABLE = Problem(
    "conversion_not_readable",
    "The file cannot be read as weights: {reason}. Convert it on a machine that you trust.",
)
DANGEROUS = Problem(
    "conversion_dangerous",
    "The file would run code ({name}) when it is loaded, so nothing is taken from it.",
)
NO_WEIGHTS = Problem("conversion_no_weights", "There are no weights in this file to convert.")
UNSUPPORTED = Problem(
    "conversion_unsupported",
    "The weights {name!r} are of a kind that safetensors cannot hold here: {reason}.",
)
TOO_MANY = Problem(
    "conversion_too_many_tensors",
    "The file holds more than the {limit} tensors that are allowed.",
)
OUTPUT_TOO_LARGE = Problem(
    "conversion_output_too_large",
    "The converted file would take more than the limit of {limit} bytes.",
)
OUT_OF_MEMORY = Problem(
    "conversion_out_of_memory",
    "Reading the file takes more memory than is allowed ({limit} bytes).",
)
OUT_OF_TIME = Problem("conversion_out_of_time", "Converting the file takes longer than is allowed.")
DIED = Problem(
    "conversion_died",
    "The conversion ended without an answer ({reason}), so nothing is taken from the file.",
)

BY_CODE = {
    problem.code: problem
    for problem in (
        *(NOT_READABLE, DANGEROUS, NO_WEIGHTS, UNSUPPORTED, TOO_MANY, OUTPUT_TOO_LARGE),
        *(OUT_OF_MEMORY, OUT_OF_TIME, DIED),
    )
}
