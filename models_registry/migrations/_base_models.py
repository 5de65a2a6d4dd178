"""Rows of the base models of the community, for the migrations that seed them."""

from models_registry.base_model_names import KNOWN_BASE_MODELS


def add_base_models(apps, schema_editor):
    """Add those that are missing; rows are left as administrators made them."""
    BaseModel = apps.get_model("models_registry", "BaseModel")
    BaseModel.objects.bulk_create(
        (
            BaseModel(
                name=known.name,
                family=known.family,
                ecosystem=known.ecosystem,
                native_width=known.native_side,
                native_height=known.native_side,
                licence_name=known.licence_name,
                licence_url=known.licence_url,
                is_active=known.is_active,
                sort=position * 10,
            )
            for position, known in enumerate(KNOWN_BASE_MODELS)
        ),
        ignore_conflicts=True,
    )
