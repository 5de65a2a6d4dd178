"""Every address of the hub by name, and what may be asked of it. A new one must be entered here.

OPEN answers everyone, SIGNED_IN whoever has signed in; neither may show a word of a hidden thing.
`Leads` goes to a thing: whoever may not open it gets the very answer of a thing that is not there.
`does` names the roles that may send the form behind an address; others who may open it get 403.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.permissions.world import ANYONE

OPEN, SIGNED_IN = "open", "signed in"
MEMBERS = ("stranger", "viewer", "member", "manager", "owner", "admin")
PEOPLE = ("member", "manager", "owner", "admin")
TEAM = ("viewer", *PEOPLE)
EDITORS = ("manager", "owner", "admin")
OWNERS = ("owner", "admin")


@dataclass(frozen=True, slots=True)
class Leads:
    """To a thing of a kind; `method` is what the address is for."""

    kind: str
    method: str = "get"
    data: Mapping[str, Any] = field(default_factory=dict)
    does: tuple[str, ...] = ANYONE
    answers: bool = (
        True  # False: what it leads to is not in this world, only refusals are looked at
    )


def sends(kind: str, does: tuple[str, ...], **data: Any) -> Leads:
    """A form about a thing."""
    return Leads(kind, "post", data, does)


ADDRESSES: dict[str, str | Leads] = {
    # pages for everyone
    **dict.fromkeys(
        ("home", "queue_count", "styleguide", "search", "models", "images", "collections"), OPEN
    ),
    **dict.fromkeys(("favicon", "models_zip"), OPEN),
    "person": Leads("person"),
    **dict.fromkeys(("models_manifest", "models_aria2", "set_theme", "set_language"), OPEN),
    **dict.fromkeys(
        ("account_login", "account_logout", "account_inactive", "account_signup", "picture"), OPEN
    ),
    **dict.fromkeys(
        (
            "account_reset_password",
            "account_reset_password_done",
            "account_reset_password_from_key",
            "account_reset_password_from_key_done",
            "account_confirm_email",
            "account_email_verification_sent",
            "account_confirm_login_code",
            "team_join",
        ),
        OPEN,
    ),
    # pages of one's own
    **dict.fromkeys(
        (
            "account_reauthenticate",
            "account_email",
            "account_change_password",
            "account_set_password",
            "collection_new",
            "datasets",
            "dataset_new",
            "image_new",
            "image_uploaded",
            "following",
            "mentions",
            "person_names",
            "tag_follow",
            "person_follow",
            "model_imports",
            "upload_model",
            "queue",
            "runs",
            "settings",
            "token_create",
            "teams",
            "train",
            "train_choices",
            "train_plan",
            "train_start_over",
        ),
        SIGNED_IN,
    ),
    # Civitai's API
    **dict.fromkeys(
        (
            "civitai-models",
            "civitai-by-hashes",
            "civitai-hash-ids",
            "civitai-images",
            "civitai-creators",
            "civitai-tags",
            "civitai-users",
            "civitai-enums",
            "civitai-collections",
            "civitai-articles",
            "civitai-permissions",
            "civitai-nowhere",
            "civitai-download-nowhere",
            "civitai-signed-download",
        ),
        OPEN,
    ),
    "civitai-me": SIGNED_IN,
    "civitai-model": Leads("published"),
    "civitai-version": Leads("published"),
    "civitai-by-hash": Leads("hash"),
    "civitai-mini": Leads("published"),
    "civitai-tensors": Leads("file"),
    "civitai-download": Leads("model"),
    "civitai-training-data": Leads("model", answers=False),
    "civitai-sidecar-sha256": Leads("file"),
    "civitai-sidecar-info": Leads("file"),
    "civitai-sidecar-preview": Leads("file"),
    "civitai-collection": Leads("collection"),
    # our own API
    **dict.fromkeys(("api_schema", "api_docs", "api_models", "api_presets"), OPEN),
    **dict.fromkeys(
        ("api_me", "api_teams", "api_datasets", "api_jobs", "api_files_by_hash"), SIGNED_IN
    ),
    **dict.fromkeys(("api_imports", "api_team_join"), SIGNED_IN),
    "api_import": Leads("import"),
    "api_import_cancel": sends("import", ("owner",)),
    "api_import_retry": sends("import", ("owner",)),
    "api_team_members": Leads("team"),
    "api_team_member": Leads("team", "delete", does=("manager",)),
    "api_team": Leads("team", "patch", {"name": "Renamed"}, ("manager",)),
    "api_team_invites": sends("team", ("manager",)),
    "api_team_invite": Leads("team", "delete", does=("manager",)),
    "api_model": Leads("model"),
    "api_model_versions": sends("model", PEOPLE),
    "api_version": Leads("model"),
    "api_version_files": sends("model", EDITORS),
    "api_version_covers": sends("model", EDITORS),
    "api_version_publish": sends("model", EDITORS),
    "api_version_unpublish": sends("model", EDITORS),
    "api_version_delete_files": sends("model", EDITORS, reason="old"),
    "api_model_archive": sends("model", EDITORS),
    "api_model_restore": sends("model", EDITORS),
    "api_file": Leads("file"),
    "api_file_primary": sends("file", EDITORS),
    "api_file_rescan": sends("file", EDITORS),
    "api_file_by_hash": OPEN,
    "api_file_by_name": OPEN,
    **dict.fromkeys(("api_collections", "api_files_of_size"), OPEN),
    **dict.fromkeys(("api_following", "api_mentions", "api_read_header"), SIGNED_IN),
    "api_collection": Leads("collection"),
    "api_collection_models": sends("collection", OWNERS),
    "api_comparison": Leads("comparison"),
    "api_comparison_cancel": sends("comparison", EDITORS),
    "api_comparison_retry": sends("comparison", EDITORS),
    "api_file_conversion": sends("file", EDITORS),
    "api_follow_person": Leads("person", "put", does=MEMBERS),
    "api_follow_tag": Leads("tag", "put", does=MEMBERS),
    "api_model_comments": Leads("model"),
    "api_model_history": Leads("model", does=TEAM),
    "api_image_comments": Leads("image"),
    "api_comment": Leads("comment"),
    # nothing is deleted in this world; tests/hub/comments looks at who brings what back
    "api_comment_restore": Leads("comment", "post", does=MEMBERS, answers=False),
    "api_model_reviews": Leads("model"),
    "api_model_standing": Leads("model", does=MEMBERS),
    "api_version_comparisons": Leads("model"),
    "api_version_cover": Leads("model", "delete", does=EDITORS),
    "api_version_lineage": Leads("model"),
    "api_version_review": Leads("model", "delete", does=("member",)),
    "api_dataset": Leads("dataset"),
    "api_dataset_imports": sends("dataset", PEOPLE),
    "api_dataset_import": Leads("dataset"),
    "api_job": Leads("run"),
    "api_job_cancel": sends("run", EDITORS),
    "api_job_stop": sends("run", EDITORS),
    "api_job_pause": sends("run", EDITORS),
    "api_job_resume": sends("run", EDITORS),
    "api_job_events": Leads("run"),
    "api_job_artifacts": Leads("run"),
    "api_artifact_file": Leads("run"),
    # models
    "model": Leads("model"),
    "model_by_number": Leads("model"),
    "model_by_number_and_name": Leads("model"),
    "model_comments": Leads("model"),
    "model_file_tensors": Leads("file"),
    "model_lineage": Leads("model"),
    "model_history": Leads("model", does=TEAM),
    "model_collect": sends("model", MEMBERS),
    "model_comment": sends("model", MEMBERS, text="hello"),
    "model_engage": sends("model", MEMBERS),
    "model_note": sends("model", MEMBERS),
    "model_unhide": sends("model", MEMBERS),
    "model_save": sends("model", MEMBERS),
    "model_archive": sends("model", EDITORS),
    "version_edit": Leads("model", does=EDITORS),
    "version_publish": sends("model", EDITORS),
    "version_unpublish": sends("model", EDITORS),
    "version_delete_files": sends("model", EDITORS, reason="old"),
    "version_review": sends("model", MEMBERS, stars="5", text="good"),
    "model_import_cancel": sends("import", ("owner",)),
    "model_import_retry": sends("import", ("owner",)),
    "model_reviews": Leads("model"),
    "model_file_convert": sends("file", EDITORS),
    "model_file_edit": Leads("file", does=EDITORS),
    "model_file_primary": sends("file", EDITORS),
    "model_file_remove": sends("file", EDITORS),
    "model_file_rescan": sends("file", EDITORS),
    "version_files_new": Leads("model", does=EDITORS),
    "version_new": Leads("model", does=PEOPLE),
    "version_picture": sends("model", EDITORS),
    "version_picture_add": sends("model", EDITORS),
    "version_review_delete": sends("model", ("member",)),
    "comparisons": Leads("model"),
    "comparison_new": Leads("model", does=MEMBERS),
    "comparison": Leads("comparison"),
    "comparison_action": sends("comparison", EDITORS),
    "comparison_delete": sends("comparison", EDITORS),
    # collections
    "collection_zip": Leads("collection"),
    "collection_put_elsewhere": sends("collection", MEMBERS),
    "collection": Leads("collection"),
    "collection_manifest": Leads("collection"),
    "collection_aria2": Leads("collection"),
    "collection_edit": Leads("collection", does=OWNERS),
    "collection_delete": sends("collection", OWNERS),
    "collection_take_out": sends("collection", OWNERS),
    # pictures
    "image": Leads("image"),
    "image_react": sends("image", MEMBERS),
    "image_comment": sends("image", MEMBERS, text="hello"),
    "image_comments": Leads("image"),
    "comment_edit": sends("comment", ("owner",), text="other words"),
    "comment_delete": sends("comment", EDITORS),
    "comment_hide": sends("comment", EDITORS),
    "comment_restore": Leads("comment", "post", does=MEMBERS, answers=False),
    "image_share": sends("image", OWNERS),
    "image_delete": sends("image", OWNERS),
    "image_hide": sends("image", ("admin",)),
    # datasets
    "dataset": Leads("dataset"),
    "dataset_crop": Leads("dataset"),
    "dataset_crop_items": Leads("dataset"),
    "dataset_crop_save": sends("dataset", PEOPLE),
    "dataset_tags": Leads("dataset"),
    "dataset_items": Leads("dataset"),
    "dataset_command": sends("dataset", PEOPLE),
    "dataset_import": sends("dataset", PEOPLE),
    "dataset_edit": Leads("dataset"),
    "dataset_delete": sends("dataset", EDITORS),
    "dataset_export": Leads("dataset"),
    "dataset_auto_tag": sends("dataset", PEOPLE),
    # runs and grids
    "run": Leads("run"),
    "run_by_id": Leads("run"),
    "run_file": Leads("run"),
    "run_pick": sends("run", EDITORS),
    "run_action": sends("run", EDITORS),
    "publish_run": Leads("run", does=EDITORS),
    "publish_preview": sends("run", EDITORS),
    "publish_start_over": sends("run", EDITORS),
    "grid_new": Leads("run"),
    "grid": Leads("grid"),
    "grid_action": sends("grid", EDITORS),
    "queue_move": sends("run", ("manager", "admin")),
    "queue_priority": sends("run", ("manager", "admin")),
    # teams and keys
    "team": Leads("team"),
    "team_choose": sends("team", TEAM),
    "team_rename": sends("team", ("manager", "admin"), name="Renamed"),
    "team_invite": sends("team", ("manager", "admin")),
    "team_invite_withdraw": sends("team", ("manager", "admin")),
    "team_transfer": sends("team", ("manager", "admin")),
    "team_remove": sends("team", ("manager", "admin")),
    "team_role": sends("team", ("manager", "admin")),
    "token_revoke": sends("token", ("owner",)),
}
