"""An import whose dataset went away ends quietly and keeps no bytes."""

import logging
from uuid import uuid4

import pytest

from hub.storage.models import Upload
from tests.factories.training import make_dataset, make_upload, picture_bytes
from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import DatasetImport, ImportStatus
from training.datasets.models.item import Item
from training.datasets.services import importing
from training.datasets.services.datasets import delete_dataset
from training.datasets.tasks import import_upload

pytestmark = pytest.mark.django_db


def waiting_import() -> tuple[Dataset, Upload]:
    dataset = make_dataset()
    upload = make_upload(owner=dataset.owner, name="a.png", data=picture_bytes())
    importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    return dataset, upload


def test_a_deleted_dataset_takes_no_picture_and_its_import_says_why() -> None:
    dataset, upload = waiting_import()
    delete_dataset(actor=dataset.owner, dataset=dataset)
    importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    batch = DatasetImport.objects.get(upload_id=upload.pk)
    assert (batch.status, batch.error_code) == (ImportStatus.FAILED, "dataset_deleted")
    assert batch.finished_at is not None
    assert not Item.objects.filter(dataset=dataset).exists()
    upload.refresh_from_db()
    assert upload.blob is None


def test_a_dataset_that_is_gone_from_the_table_is_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dataset, upload = waiting_import()
    gone = str(dataset.pk)
    dataset.delete()
    with caplog.at_level(logging.INFO, logger="training.datasets"):
        import_upload(dataset_id=gone, upload_id=str(upload.pk))
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert gone in caplog.text
    upload.refresh_from_db()
    assert upload.blob is None


def test_an_import_nobody_started_frees_nothing_of_others() -> None:
    dataset = make_dataset()
    upload = make_upload(owner=dataset.owner, name="a.png", data=picture_bytes())
    assert importing.import_upload(dataset_id=uuid4(), upload_id=upload.pk) is None
    upload.refresh_from_db()
    assert upload.blob is not None


def test_what_was_read_before_the_dataset_went_stays_read() -> None:
    dataset, upload = waiting_import()
    importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    delete_dataset(actor=dataset.owner, dataset=dataset)
    importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    assert DatasetImport.objects.get(upload_id=upload.pk).status == ImportStatus.DONE
