"""What of a person's settings reaches the trainer."""

import pytest

from models_registry.models.file import ScanStatus
from models_registry.models.model import Model, ModelType
from tests.factories.registry import add_clean_file, publish_model
from training.jobs.services.submit import base_file_for, check_config


def test_no_path_of_the_workers_disk_is_a_persons_to_name() -> None:
    checked = check_config(
        {
            "class_folder": "/etc",
            "initial_weights": "/etc/passwd",
            "dataset_manifest": "/etc/manifest.json",
            "sampling": {"library": ["/etc/loras"], "steps": 7},
            "base_model": {
                "path": "/etc/base",
                "vae_path": "/etc/vae",
                "prediction_type": "epsilon",
            },
        },
        method="lora",
        output_name="mine",
        base={"path": "staged"},
    )
    assert "/etc" not in checked.model_dump_json()
    assert checked.base_model.prediction_type == "epsilon"
    assert checked.sampling.steps == 7


@pytest.mark.django_db
def test_training_reads_a_cleared_file_while_the_main_one_is_looked_at() -> None:
    version = publish_model()
    Model.objects.filter(pk=version.model_id).update(type=ModelType.CHECKPOINT)
    version.refresh_from_db()
    cleared = version.files.get()
    add_clean_file(version, seed=9)
    version.files.filter(is_primary=True).update(scan_status=ScanStatus.PENDING)
    assert base_file_for(actor=version.model.owner, version=version) == cleared
