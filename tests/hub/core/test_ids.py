from hub.core.ids import uuid7


def test_ids_are_version_7_and_sort_by_time():
    made = [uuid7() for _ in range(200)]
    assert {value.version for value in made} == {7}
    assert {value.variant for value in made} == {"specified in RFC 4122"}
    stamps = [value.int >> 80 for value in made]
    assert stamps == sorted(stamps)
    assert len(set(made)) == 200
