"""Every limit of the hub: one setting, a default, and a test on both sides of it."""

from hub.settings import _env

KIB, MIB, GIB = 1024, 1024**2, 1024**3

# Uploads
UPLOAD_MAX_BYTES = _env.integer("UPLOAD_MAX_BYTES", 20 * GIB, minimum=1)
UPLOAD_EXPIRES_HOURS = _env.integer("UPLOAD_EXPIRES_HOURS", 48, minimum=1)
USER_QUOTA_BYTES = _env.integer("USER_QUOTA_BYTES", 200 * GIB, minimum=0)

# Files fetched by address: how large, and which private networks may be asked (CIDR, comma list)
IMPORT_MAX_BYTES = _env.integer("IMPORT_MAX_BYTES", 20 * GIB, minimum=1)
IMPORT_MIN_BYTES_PER_SECOND = _env.integer("IMPORT_MIN_BYTES_PER_SECOND", 1024, minimum=0)
IMPORT_PRIVATE_NETWORKS = _env.networks("IMPORT_PRIVATE_NETWORKS")

# How long a link to the bucket starts a transfer; nothing can end it sooner (seven days at most)
BUCKET_LINK_SECONDS = _env.integer("BUCKET_LINK_SECONDS", 3600, minimum=60, maximum=604_800)

# Pictures
IMAGE_MAX_BYTES = _env.integer("IMAGE_MAX_BYTES", 64 * MIB, minimum=1)
IMAGE_MAX_PIXELS = _env.integer("IMAGE_MAX_PIXELS", 100_000_000, minimum=1)
THUMBNAIL_WIDTHS = (96, 320, 450, 800)

# Archives
ARCHIVE_MAX_MEMBERS = _env.integer("ARCHIVE_MAX_MEMBERS", 20_000, minimum=1)
ARCHIVE_MAX_BYTES = _env.integer("ARCHIVE_MAX_BYTES", 20 * GIB, minimum=1)
ARCHIVE_MAX_RATIO = _env.integer("ARCHIVE_MAX_RATIO", 200, minimum=1)

# Datasets
DATASET_MAX_ITEMS = _env.integer("DATASET_MAX_ITEMS", 20_000, minimum=1)
CAPTION_MAX_CHARACTERS = _env.integer("CAPTION_MAX_CHARACTERS", 20_000, minimum=1)

# The operator's tagger: the program, and how long it may take for a picture
TAGGER_COMMAND = _env.command("TAGGER_COMMAND")
TAGGER_SECONDS = _env.integer("TAGGER_SECONDS", 60, minimum=1)

# Model files
SAFETENSORS_HEADER_MAX_BYTES = _env.integer("SAFETENSORS_HEADER_MAX_BYTES", 100 * MIB, minimum=8)
GGUF_HEADER_MAX_BYTES = _env.integer("GGUF_HEADER_MAX_BYTES", 32 * MIB, minimum=24)

# Lists: how often a large hub counts its models, and how old the order of tags may be
COUNTS_SECONDS = _env.integer("COUNTS_SECONDS", 60, minimum=1)
TAG_COUNTS_SECONDS = _env.integer("TAG_COUNTS_SECONDS", 300, minimum=0)

# Text of models that each process keeps for lists of /api/v1; what it was made of is as much again
API_KEPT_BYTES = _env.integer("API_KEPT_BYTES", 48 * MIB, minimum=0)

# Connections to the database that a web process keeps open between requests
KEPT_CONNECTIONS = _env.integer("KEPT_CONNECTIONS", 8, minimum=0)

# Files longer than this are not sent to ClamAV; clamd's own StreamMaxLength has to allow it
CLAMAV_MAX_BYTES = _env.integer("CLAMAV_MAX_BYTES", 2 * GIB - 1, minimum=1)
CLAMAV_TIMEOUT_SECONDS = _env.integer("CLAMAV_TIMEOUT_SECONDS", 600, minimum=1)

# Conversion of pickles: what the locked-down process may use
CONVERSION_MEMORY_BYTES = _env.integer("CONVERSION_MEMORY_BYTES", 1 * GIB, minimum=64 * MIB)
CONVERSION_CPU_SECONDS = _env.integer("CONVERSION_CPU_SECONDS", 600, minimum=1)
CONVERSION_TIMEOUT_SECONDS = _env.integer("CONVERSION_TIMEOUT_SECONDS", 1200, minimum=1)
CONVERSION_OUTPUT_BYTES = _env.integer("CONVERSION_OUTPUT_BYTES", 20 * GIB, minimum=1)
CONVERSION_MAX_TENSORS = _env.integer("CONVERSION_MAX_TENSORS", 100_000, minimum=1)

# Downloads of many models at once
BULK_MAX_MODELS = _env.integer("BULK_MAX_MODELS", 1000, minimum=1)

# The queue
JOB_LEASE_SECONDS = _env.integer("JOB_LEASE_SECONDS", 60, minimum=2)
JOB_MAX_ATTEMPTS = _env.integer("JOB_MAX_ATTEMPTS", 5, minimum=1)
JOB_STOP_GRACE_SECONDS = _env.integer("JOB_STOP_GRACE_SECONDS", 60, minimum=1)
TRAINER_MAX_RUNS = _env.integer("TRAINER_MAX_RUNS", 20, minimum=1)
TRAINER_IDLE_SECONDS = _env.integer("TRAINER_IDLE_SECONDS", 300, minimum=1)
QUEUE_POLL_SECONDS = _env.integer("QUEUE_POLL_SECONDS", 10, minimum=1)
TEAM_MAX_QUEUED_JOBS = _env.integer("TEAM_MAX_QUEUED_JOBS", 50, minimum=1)
GRID_MAX_PICTURES = _env.integer("GRID_MAX_PICTURES", 120, minimum=1)
COMPARISON_MAX_PICTURES = _env.integer("COMPARISON_MAX_PICTURES", 60, minimum=1)
PERSON_MAX_QUEUED_COMPARISONS = _env.integer("PERSON_MAX_QUEUED_COMPARISONS", 3, minimum=1)
TEAM_MAX_QUEUED_GRIDS = _env.integer("TEAM_MAX_QUEUED_GRIDS", 5, minimum=1)
#: Files of the registry that the prompts of one run, grid or comparison may name, networks and
#: embeddings together; others are named in a warning.
PROMPT_MAX_FILES = _env.integer("PROMPT_MAX_FILES", 32, minimum=1)
PROMPT_FILES_MAX_BYTES = _env.integer("PROMPT_FILES_MAX_BYTES", 8 * GIB, minimum=1)

# The gallery
POST_MAX_IMAGES = _env.integer("POST_MAX_IMAGES", 100, minimum=1)
COMMENT_MAX_CHARACTERS = _env.integer("COMMENT_MAX_CHARACTERS", 5_000, minimum=1)
#: How long a deleted comment can be brought back; until then its words stay in the database.
COMMENT_UNDO_SECONDS = _env.integer("COMMENT_UNDO_SECONDS", 600, minimum=0)
GENERATION_TEXT_MAX_BYTES = _env.integer("GENERATION_TEXT_MAX_BYTES", 8 * MIB, minimum=1)

# Text of models and versions
MODEL_TEXT_MAX_CHARACTERS = _env.integer("MODEL_TEXT_MAX_CHARACTERS", 100_000, minimum=1)
