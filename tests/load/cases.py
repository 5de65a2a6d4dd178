"""What is asked of a large hub: lists, searches, pages and API answers, each in many variants."""

from urllib.parse import quote

from gallery.models.image import Image
from models_registry.models.base_model import BaseModel
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from tests.load.measure import Case
from tests.load.registry_data import ADJECTIVES, CHINESE, THINGS

VARIANTS = 40
WORDS = [*THINGS, *(f"{a} {t}" for a, t in zip(ADJECTIVES, THINGS, strict=True)), *CHINESE]
TYPOS = ["dragn", "portrat", "watercolor", "landscpe", "castel", "armuor"]
PAGE_SORTS = ("rating", "downloads", "newest", "trending", "oldest")
SORTS = ("Highest Rated", "Most Downloaded", "Newest", "Most Discussed")


def cases() -> list[Case]:
    """Return every case; keys are spread over the whole tables."""
    public = Model.objects.published().filter(visibility="public")
    models = _spread(public.values_list("pk"))
    slugs = _spread(public.values_list("slug"))
    versions = _spread(
        ModelVersion.objects.published().filter(model__visibility="public").values_list("pk")
    )
    images = _spread(Image.objects.filter(visibility="public").values_list("pk"))
    hashes = _spread(
        ModelFileHash.objects.filter(file__version_id__in=versions).values_list("value")
    )
    tags = _spread(Tag.objects.values_list("name"))
    bases = list(BaseModel.objects.order_by("pk").values_list("name", flat=True)[:12])
    words = [quote(word) for word in WORDS]
    return [
        Case("model list", [f"/models/?sort={sort}" for sort in PAGE_SORTS * 5]),
        Case("model list by tag", [f"/models/?tag={quote(tag)}" for tag in tags]),
        Case("model list by base", [f"/models/?base={quote(base)}" for base in bases]),
        Case("model list by type", [f"/models/?type={t}" for t in ("LORA", "VAE") * 10]),
        Case("model search", [f"/models/?q={word}" for word in words]),
        Case("model search, typo", [f"/models/?q={word}" for word in TYPOS * 4]),
        Case("model page", [f"/models/{slug}/" for slug in slugs]),
        Case("images", ["/images/", "/images/?sort=newest"] * 10),
        Case("image page", [f"/images/{pk}/" for pk in images]),
        Case("API models", [f"/api/v1/models?sort={quote(sort)}" for sort in SORTS * 8]),
        Case("API models, 100", [f"/api/v1/models?limit=100&sort={quote(s)}" for s in SORTS * 4]),
        Case("API search", [f"/api/v1/models?query={word}" for word in words]),
        Case("API models by tag", [f"/api/v1/models?tag={quote(tag)}" for tag in tags]),
        Case("API model", [f"/api/v1/models/{pk}" for pk in models]),
        Case("API version", [f"/api/v1/model-versions/{pk}" for pk in versions]),
        Case("API by hash", [f"/api/v1/model-versions/by-hash/{value}" for value in hashes]),
        Case("API by hashes", ["/api/v1/model-versions/by-hash"] * 10, "post", hashes),
        Case("API images", ["/api/v1/images", "/api/v1/images?sort=Most+Reactions"] * 10),
        Case("API images of a model", [f"/api/v1/images?modelId={pk}" for pk in models]),
        Case("API images of a version", [f"/api/v1/images?modelVersionId={pk}" for pk in versions]),
        Case("API creators", ["/api/v1/creators", "/api/v1/creators?query=person1"] * 5),
        Case("API tags", ["/api/v1/tags", "/api/v1/tags?query=ink"] * 5),
    ]


def _spread(rows) -> list:  # type: ignore[no-untyped-def, type-arg]
    """Return up to VARIANTS values, evenly from the first to the last."""
    rows = rows.order_by("pk")
    total = rows.count()
    step = max(1, total // VARIANTS)
    return [rows[at][0] for at in range(0, total, step)][:VARIANTS]
