"""Forms: label above, hint under; an error takes the hint's place and is tied to the control."""

from django import forms

from frontend.form_errors import problems_of
from frontend.forms.styleguide import SampleForm, WrongSampleForm


def test_a_hint_describes_its_field() -> None:
    html = str(SampleForm()["name"].as_field_group())

    assert '<label for="id_name">' in html
    assert 'aria-describedby="id_name_helptext"' in html
    assert 'id="id_name_helptext"' in html
    assert 'class="input"' in html


def test_an_error_takes_the_place_of_the_hint() -> None:
    html = str(SampleForm({"name": ""})["name"].as_field_group())

    assert 'aria-describedby="id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert "helptext" not in html
    assert 'aria-invalid="true"' in html


def test_each_kind_of_control_gets_its_class() -> None:
    form = SampleForm()

    assert 'class="select"' in str(form["kind"].as_field_group())
    assert 'class="textarea"' in str(form["about"].as_field_group())
    assert 'rows="4"' in str(form["about"].as_field_group())
    assert '<label class="check">' in str(form["follow"].as_field_group())
    assert "<fieldset" in str(form["visibility"].as_field_group())


def test_optional_fields_say_so_and_typed_text_is_escaped() -> None:
    html = str(SampleForm({"about": "<b>", "name": '"x'}))

    assert "(optional)" in html
    assert "&lt;b&gt;" in html
    assert 'value="&quot;x"' in html


def test_a_class_of_the_form_is_kept() -> None:
    class Mono(forms.Form):
        prompt = forms.CharField(widget=forms.TextInput(attrs={"class": "mono"}))

    assert 'class="input mono"' in str(Mono()["prompt"].as_field_group())


def test_errors_of_the_whole_form_stand_above_it() -> None:
    form = SampleForm({})
    form.add_error(None, "The two do not fit together.")

    html = str(form)

    assert 'role="alert"' in html
    assert html.index("do not fit") < html.index("id_name")
    assert html.index("autofocus") < html.index("do not fit")
    assert html.count("autofocus") == 1


def test_the_first_field_to_correct_has_the_focus_and_no_other() -> None:
    html = str(SampleForm({"name": "", "kind": "no such kind"}))

    assert html.count("autofocus") == 1
    assert html.index("autofocus") < html.index('id="id_name_error"') < html.index("id_kind")
    assert "autofocus" not in str(SampleForm())
    assert "autofocus" not in str(WrongSampleForm({"name": ""}))


def test_a_list_of_choices_takes_the_focus_as_a_whole() -> None:
    form = SampleForm({"name": "x", "kind": "lora", "weight": "1", "visibility": "nobody"})

    html = str(form["visibility"].as_field_group())

    assert (
        'id="id_visibility" tabindex="-1" autofocus aria-describedby="id_visibility_error"' in html
    )


def test_problems_name_what_people_see_with_the_place_to_go() -> None:
    form = SampleForm({"name": "", "visibility": "nobody"})

    found = problems_of(form)

    assert (found[0].label, found[0].anchor) == ("Name", "id_name")
    assert "id_visibility" in [row.anchor for row in found]
    assert problems_of(SampleForm()) == []
