"""What the header of a file says: kohya's keys, all of them, and true."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.factories.engine import make_config
from tests.training.engine.test_files import trained

pytestmark = pytest.mark.engine

KOHYAS_KEYS = """
session_id training_started_at training_finished_at output_name learning_rate text_encoder_lr
unet_lr num_train_images num_validation_images num_reg_images num_batches_per_epoch num_epochs
gradient_checkpointing epoch steps gradient_accumulation_steps max_train_steps lr_warmup_steps
lr_scheduler network_module network_dim network_alpha network_dropout network_args
mixed_precision full_fp16 v2 base_model_version clip_skip max_token_length cache_latents seed
lowram noise_offset multires_noise_iterations multires_noise_discount adaptive_noise_scale
zero_terminal_snr training_comment sd_scripts_commit_hash optimizer max_grad_norm
caption_dropout_rate caption_dropout_every_n_epochs caption_tag_dropout_rate face_crop_aug_range
prior_loss_weight min_snr_gamma scale_weight_norms ip_noise_gamma debiased_estimation
noise_offset_random_strength ip_noise_gamma_random_strength loss_type huber_schedule huber_scale
huber_c fp8_base fp8_base_unet validation_seed validation_split max_validation_steps
validate_every_n_epochs validate_every_n_steps resize_interpolation batch_size_per_device
total_batch_size resolution color_aug flip_aug random_crop shuffle_caption enable_bucket
bucket_no_upscale min_bucket_reso max_bucket_reso keep_tokens dataset_dirs reg_dataset_dirs
tag_frequency bucket_info sd_model_name sd_model_hash new_sd_model_hash vae_name vae_hash
new_vae_hash
"""


def test_a_header_has_every_key_of_kohyas_and_says_the_truth(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save

    config = make_config(
        base,
        manifest,
        max_steps=2,
        gradient_accumulation=2,
        optimizer="lion",
        scheduler="constant",
        warmup_steps=1,
        about={"author": "Ada", "license": "CC0-1.0", "comment": "first try"},
    )
    path = trained(config, tmp_path)
    with safe_open(path, framework="pt") as file:
        said = file.metadata()
    wanted = [f"ss_{key}" for key in KOHYAS_KEYS.split()]
    assert [key for key in (*wanted, "sshs_model_hash") if key not in said] == []
    assert said["ss_total_batch_size"] == "4"
    assert said["ss_lr_scheduler"] == "constant_with_warmup"
    assert said["ss_optimizer"].startswith("training.engine.optimizers.optim.Lion(")
    assert said["ss_training_comment"] == "first try"
    assert (said["modelspec.author"], said["modelspec.license"]) == ("Ada", "CC0-1.0")
    assert json.loads(said["ss_bucket_info"])["mean_img_ar_error"] == 0.0
    assert said["ss_num_train_images"] == "5"
    of_training = {key: value for key, value in said.items() if key.startswith("ss_")}
    as_kohya = save(load_file(path), of_training)  # the hash is over a file with these keys alone
    window = hashlib.sha256(as_kohya[2**20 : 2**20 + 2**16]).hexdigest()[:8]
    assert said["sshs_legacy_hash"] == window
