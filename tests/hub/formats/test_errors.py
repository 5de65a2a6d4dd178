import pickle

from hub.formats.errors import FormatError, Problem, SafetensorsError

PROBLEM = Problem("thing_broken", "The thing {name!r} is broken. Mend it.")


def test_an_error_tells_its_code_and_fills_its_message():
    error = SafetensorsError(PROBLEM, name="a{b}")
    assert error.code == "thing_broken"
    assert str(error) == "The thing 'a{b}' is broken. Mend it."
    assert isinstance(error, FormatError)


def test_an_error_survives_the_way_between_processes():
    copy = pickle.loads(pickle.dumps(SafetensorsError(PROBLEM, name="x")))
    assert (type(copy), copy.code, str(copy)) == (
        SafetensorsError,
        "thing_broken",
        "The thing 'x' is broken. Mend it.",
    )
