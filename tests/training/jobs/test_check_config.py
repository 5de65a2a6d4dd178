"""What of a person's settings reaches the trainer."""

from training.jobs.services.submit import check_config


def test_no_path_of_the_workers_disk_is_a_persons_to_name() -> None:
    checked = check_config(
        {
            "class_folder": "/etc",
            "dataset_manifest": "/etc/manifest.json",
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
