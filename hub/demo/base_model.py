"""The bundled base as a checkpoint of the registry, with pictures that it drew itself."""

import subprocess
import sys
import tempfile
from pathlib import Path

from django.utils import timezone

from gallery.services.posts import NewImage, create_post
from gallery.services.process import process_image
from hub.accounts.models import Team, User
from hub.demo.words import BASE_NAME, GALLERY_TITLE, base_about, gallery_prompts
from hub.storage.blobs import store_path
from hub.storage.models import Blob
from models_registry.models.model import CommercialUse, Model, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services.drafts import add_cover, create_model, create_version
from models_registry.services.files import add_file, process_file
from models_registry.services.publish import publish_version
from models_registry.services.recommendations import add_example_prompt
from models_registry.services.values import Example, Licence, Usage
from training.base_models.tiny.location import tiny_base_dir
from training.jobs.services.publish import generation_text

COVERS = 6
PROCESS_SECONDS = 600


def make_base(*, actor: User, team: Team) -> ModelVersion:
    """Publish the bundled base, once, and show what it draws in the gallery."""
    known = Model.objects.filter(owner=actor, name=BASE_NAME, type=ModelType.CHECKPOINT).first()
    if known is not None and known.latest_version is not None:
        return known.latest_version
    with tempfile.TemporaryDirectory(prefix="atelier-demo-") as folder:
        checkpoint = write_checkpoint(Path(folder))
        pictures = draw(checkpoint, Path(folder))
        version = publish_base(actor=actor, checkpoint=checkpoint, pictures=pictures)
        images = [
            NewImage(blob=blob, filename=f"tiny-{at}.png") for at, blob in enumerate(pictures)
        ]
    post = create_post(actor=actor, images=images, title=GALLERY_TITLE, model_version=version)
    for image in post.images.all():
        process_image(image_id=image.pk, now=timezone.now())
    return version


def write_checkpoint(folder: Path) -> Path:
    """Write the bundled base as one safetensors file into a folder."""
    checkpoint = folder / "atelier_tiny.safetensors"
    _engine("convert", str(tiny_base_dir()), "--dtype", "fp16", "--out", str(checkpoint))
    return checkpoint


def draw(checkpoint: Path, folder: Path) -> list[Blob]:
    """One picture for each of the demo prompts, generation data inside."""
    lines = folder / "prompts.txt"
    lines.write_text("\n".join(gallery_prompts()), encoding="utf-8")
    out = folder / "pictures"
    _engine(
        "sample",
        *("--base", str(checkpoint), "--prompts-file", str(lines), "--out", str(out)),
    )
    return [store_path(path, content_type="image/png") for path in sorted(out.glob("*.png"))]


def publish_base(*, actor: User, checkpoint: Path, pictures: list[Blob]) -> ModelVersion:
    """Publish that file as a checkpoint model, the first pictures as its covers; takes the file."""
    model = create_model(
        actor=actor,
        name=BASE_NAME,
        type=ModelType.CHECKPOINT,
        checkpoint_type="Trained",
        licence=Licence(commercial_use=tuple(CommercialUse.values)),  # as Apache 2.0 and MIT say
        description=base_about(),
        tags=["base model", "icons", "tiny"],
    )
    version = create_version(
        actor=actor,
        model=model,
        name="1.0",
        base_model="Atelier Tiny",
        usage=Usage(sampler="DPM++ 2M", steps=20, cfg_scale=2.5, width=128, height=128),
    )
    blob = store_path(checkpoint, content_type="application/octet-stream", move=True)
    file = add_file(actor=actor, version=version, blob=blob, name=checkpoint.name)
    process_file(file_id=file.pk)
    for blob in pictures[:COVERS]:
        text = generation_text(blob)
        cover = add_cover(actor=actor, version=version, blob=blob, generation_text=text)
        example = Example(prompt=text.partition("\n")[0])
        if version.example_prompts.count() < 3:
            add_example_prompt(actor=actor, version=version, example=example, cover=cover)
    return publish_version(actor=actor, version=version)


class EngineFailedError(Exception):
    """The engine could not make a part of the demonstration; the message has its last words."""


def _engine(*arguments: str) -> None:
    """Run the engine in a process of its own: this one never imports torch.

    Raises EngineFailedError.
    """
    done = subprocess.run(  # noqa: S603  our own module with our own arguments
        [sys.executable, "-m", "training.engine", *arguments],
        check=False,
        timeout=PROCESS_SECONDS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise EngineFailedError(f"The engine could not {arguments[0]} for the demo: {last}")
