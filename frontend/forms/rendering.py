"""How every form on a page is drawn: our field template instead of Django's."""

from django.forms.renderers import TemplatesSetting


class AtelierRenderer(TemplatesSetting):
    """Label above, control, hint under; an error takes the hint's place."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
