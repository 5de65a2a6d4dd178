"""Settings of kohya's scripts (TOML or JSON, as web interfaces write them) become ours.

Torch-free. What a file leaves out is taken as kohya's scripts would take it: it is the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from training.engine.config.train import TrainConfig
from training.engine.kohya.names import (
    BUCKET_SIDES,
    CAPTION_ENDINGS,
    DEFAULT_STEPS,
    DEFAULTS,
    NETWORK_DEFAULTS,
    OPTIMIZER_DEFAULTS,
    PLAIN,
    RATE_OF_ITS_OWN,
    READ_TOGETHER,
    WITHOUT_MEANING,
    sides,
    truth,
)
from training.engine.kohya.network import KOHYA_MODULE, MODULES, read_network_arguments

NOTHING = (None, "", "None")
OFF: tuple[Any, ...] = (False, 0, [], {})
# What Adafactor and Prodigy do here anyway.
AS_HERE = {
    **dict.fromkeys(("scale_parameter", "relative_step", "warmup_init"), "false"),
    **dict.fromkeys(("use_bias_correction", "safeguard_warmup"), "false"),
    **{"decouple": "true", "d_coef": "1"},
}


@dataclass(frozen=True)
class KohyaImport:
    """What was read: settings for TrainConfig, and a sentence for each thing not understood."""

    settings: dict[str, Any]
    report: tuple[str, ...]


def from_kohya(data: dict[str, Any]) -> KohyaImport:
    """Translate settings of kohya's scripts; what has no counterpart is reported, never guessed."""
    given = {name: value for name, value in data.items() if value not in NOTHING}
    reading = _Reading(given, method=_method(given))
    reading.plain()
    reading.base()
    reading.pictures()
    reading.captions()
    reading.length()
    reading.text_encoder()
    reading.optimizer()
    reading.network()
    reading.rest()
    reading.leave_out_what_does_not_fit()
    return KohyaImport(reading.settings, tuple(reading.report))


def _method(data: Mapping[str, Any]) -> str:
    if "network_module" in data or "network_dim" in data:
        return "lora"
    return "textual_inversion" if "token_string" in data else "dreambooth"


@dataclass
class _Reading:
    """The settings read so far, and what was not understood."""

    data: dict[str, Any]
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    report: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings["method"] = self.method

    def put(self, target: str, value: Any) -> None:
        """Set one of our settings, named with its table."""
        section, _, name = target.rpartition(".")
        (self.settings.setdefault(section, {}) if section else self.settings)[name] = value

    def left_out(self, name: str, why: str = "has no counterpart here") -> None:
        """Report a setting that is not understood."""
        self.report.append(f"{name} = {self.data[name]!r} {why} and was left out.")

    def number(self, name: str) -> int:
        """Return a whole number of the file, 0 where it has none; one that is none is reported."""
        try:
            return int(self.data.get(name) or 0)
        except (TypeError, ValueError):
            self.left_out(name, "could not be read")
            return 0

    def plain(self) -> None:
        """Take what has one counterpart; what the file leaves out is kohya's own default."""
        defaults = {**DEFAULTS, **(NETWORK_DEFAULTS if self.method == "lora" else {})}
        data = {**defaults, **self.data}
        for name in (name for name in PLAIN if name in data):
            target, reader = PLAIN[name]
            try:
                self.put(target, reader(data[name]))
            except (LookupError, TypeError, ValueError, AttributeError):
                self.left_out(name, "could not be read")
                if name in DEFAULTS:
                    self.put(target, reader(DEFAULTS[name]))
        known = {*PLAIN, *WITHOUT_MEANING, *READ_TOGETHER}
        for name in data:
            if name not in known and data[name] not in OFF:
                self.left_out(name)

    def base(self) -> None:
        """Take the family of the base model, and what it predicts."""
        data = self.data
        if truth(data.get("sdxl")):
            self.put("base_model.architecture", "sdxl")
        elif truth(data.get("v2")):
            self.put("base_model.architecture", "sd2")
        if truth(data.get("v_parameterization")):
            self.put("base_model.prediction_type", "v_prediction")
        elif truth(data.get("v2")):
            self.put("base_model.prediction_type", "epsilon")
        if "reg_data_dir" in data:
            self.put("prior.enabled", value=True)
            self.put("prior.images", 1)  # kohya makes none: those that are there are all

    def pictures(self) -> None:
        """Take the size of pictures, and the least and the largest sides of kohya's buckets."""
        try:
            width, height = sides(self.data.get("resolution", DEFAULTS["resolution"]))
        except (LookupError, TypeError, ValueError):  # reported with the plain ones
            width, height = sides(DEFAULTS["resolution"])
        if width != height:
            side = self.settings["resolution"]
            self.report.append(
                f"resolution = {self.data['resolution']!r} is no square; here {side} × {side} "
                "pixels are about as many, in the shape of each picture."
            )
        has_buckets = truth(self.data.get("enable_bucket", False))
        self._chance(has_buckets=has_buckets)
        if not has_buckets:
            return
        usual = {"min_side": width // 2, "max_side": width * 2}
        for name, side in BUCKET_SIDES.items():
            target = PLAIN[name][0]
            if name not in self.data and usual[target.rpartition(".")[2]] != side:
                self.put(target, side)

    def _chance(self, *, has_buckets: bool) -> None:
        """Tell where pictures that change by chance are shown otherwise than by the scripts."""
        if self.settings.get("crop") == "random" and not has_buckets:
            self.report.append(
                "Without buckets random_crop cuts pictures of their full size in kohya's scripts; "
                "here each is made as small as still covers the resolution first."
            )
        names = [name for name in ("color_aug", "random_crop") if truth(self.data.get(name))]
        if names and truth(self.data.get("cache_latents")):
            self.report.append(
                f"kohya's scripts refuse {' and '.join(names)} together with cache_latents. Here "
                "several looks of each picture are cached, and each step shows one of them."
            )

    def captions(self) -> None:
        """Tell of captions that would be passed over here."""
        for name in ("caption_extension", "caption_extention"):
            if self.data.get(name, ".txt") not in CAPTION_ENDINGS:
                self.left_out(name, "is no ending of captions here, as .txt and .caption are,")

    def length(self) -> None:
        """Take how long the run is: epochs count before steps, as in kohya's."""
        if "epochs" in self.settings:
            self.settings.pop("max_steps", None)
        elif "max_steps" not in self.settings:
            self.put("max_steps", DEFAULT_STEPS)
        ratio = self.number("save_n_epoch_ratio")
        if ratio > 0 and "epochs" in self.settings:
            self.put("save_every_epochs", max(1, self.settings["epochs"] // ratio))
        elif ratio > 0:
            self.left_out("save_n_epoch_ratio", "counts epochs, which steps do not tell,")
        self._share_of_steps("lr_warmup_steps", "warmup_steps")
        self._share_of_steps("token_warmup_step", "captions.tag_warmup_steps")

    def _share_of_steps(self, name: str, target: str) -> None:
        """Take a number of steps that may be written as a share of the run."""
        share = self.data.get(name)
        if not isinstance(share, float) or not 0 < share < 1:
            return
        if "max_steps" in self.settings:
            self.put(target, round(share * self.settings["max_steps"]))
            return
        section, _, last = target.rpartition(".")
        (self.settings[section] if section else self.settings).pop(last, None)
        self.left_out(name, "is a share of steps that epochs do not tell")

    def text_encoder(self) -> None:
        """Take whether, how fast and how long the text encoder is trained."""
        stop = self.number("stop_text_encoder_training")
        alone = truth(self.data.get("network_train_unet_only")) or stop < 0
        if "train_text_encoder" in self.data:  # of sdxl_train.py, which leaves them out otherwise
            alone = not truth(self.data["train_text_encoder"])
        self.put("train_text_encoder", not alone and self.method != "textual_inversion")
        self._rates_of_text_encoders()
        if stop > 0 and "max_steps" in self.settings:
            self.put("text_encoder_stop_fraction", min(1.0, stop / self.settings["max_steps"]))
        elif stop > 0:
            self.left_out("stop_text_encoder_training", "counts steps, which epochs do not tell,")

    def _rates_of_text_encoders(self) -> None:
        """Take the rates of both; one of 0 says that they rest, as in the scripts."""
        self.settings.setdefault("text_encoder_learning_rate", self._common_rate())
        rates = self.data.get("text_encoder_lr")
        if isinstance(rates, list) and len(set(rates)) > 1:
            try:
                self.put("text_encoder_2_learning_rate", float(rates[1]))
            except (TypeError, ValueError):
                self.left_out("text_encoder_lr", "could not be read whole")
        if self.settings["text_encoder_learning_rate"] != 0:
            return
        del self.settings["text_encoder_learning_rate"]
        self.put("train_text_encoder", value=False)
        if self.settings.pop("text_encoder_2_learning_rate", 0):
            self.report.append(
                "The second text encoder is not trained without the first here; both rest."
            )

    def _common_rate(self) -> float:
        """Return the rate of what has none of its own, whatever the UNet's is."""
        try:
            return float(self.data.get("learning_rate", DEFAULTS["learning_rate"]))
        except (TypeError, ValueError):  # reported with the plain ones
            return float(DEFAULTS["learning_rate"])

    def optimizer(self) -> None:
        """Take the older switches of the optimizer, and its arguments."""
        for name, ours in (("use_8bit_adam", "adamw8bit"), ("use_lion_optimizer", "lion")):
            if truth(self.data.get(name)):
                self.put("optimizer", ours)
        self.settings |= OPTIMIZER_DEFAULTS.get(self.settings.get("optimizer", ""), {})
        if "optimizer_type" in self.data and "optimizer" not in self.settings:
            self._rates_of_its_own()
        arguments = _words(self.data.get("optimizer_args"))
        if self.settings.get("optimizer") == "adafactor" and "relative_step=False" not in arguments:
            self.report.append(
                "Without relative_step=False kohya's Adafactor finds its own learning rate; here "
                "it takes learning_rate."
            )
        for argument in arguments:
            name, _, value = argument.partition("=")
            if AS_HERE.get(name.strip()) == value.strip().lower().removesuffix(".0"):
                continue
            try:
                self._optimizer_argument(name.strip(), value)
            except (ValueError, KeyError):
                self.report.append(
                    f"optimizer_args {argument!r} has no counterpart here and was left out."
                )

    def _rates_of_its_own(self) -> None:
        """Leave out rates that only an optimizer which is not here could use."""
        for name in ("learning_rate", "text_encoder_learning_rate", "text_encoder_2_learning_rate"):
            rate = self.settings.get(name)
            if rate is not None and rate >= RATE_OF_ITS_OWN:
                del self.settings[name]
                self.report.append(
                    f"{name} = {rate:g} is meant for an optimizer that finds its own rate and was "
                    "left out."
                )

    def _optimizer_argument(self, name: str, value: str) -> None:
        if name == "betas":
            first, second, *_ = (float(part) for part in value.strip("()[] ").split(","))
            self.put("beta1", first)
            self.put("beta2", second)
        else:
            self.put({"weight_decay": "weight_decay", "momentum": "beta1"}[name], float(value))

    def network(self) -> None:
        """Take the shape of the network."""
        if self.method != "lora":
            return
        network = {"dim": 4, "alpha": 1.0} | self.settings.get("network", {})
        module = str(self.data.get("network_module", KOHYA_MODULE))
        if module not in MODULES:
            self.left_out("network_module", "is a kind of network that is not trained here")
        shape, not_understood = read_network_arguments(
            _words(self.data.get("network_args")),
            module=module,
            dim=network["dim"],
            alpha=network["alpha"],
        )
        for name, value in shape.items():
            self.put(f"network.{name}", value)
        self.report += not_understood

    def rest(self) -> None:
        """Take the prompts of samples and the templates of a word."""
        prompts = self.data.get("sample_prompts")
        if isinstance(prompts, list):
            self.put("sample_prompts", [str(line) for line in prompts])
        elif prompts:
            self.left_out("sample_prompts", "names a file that could not be read here")
        for name, ours in (("use_object_template", "subject"), ("use_style_template", "style")):
            if truth(self.data.get(name)):
                self.put("textual_inversion.templates", ours)
        if truth(self.data.get("metadata_is_negative_embedding")):
            self.put("textual_inversion.negative", value=True)
        for name in ("dataset_config", "in_json"):
            if name in self.data:
                self.left_out(name, "names a file that could not be read here")

    def leave_out_what_does_not_fit(self) -> None:
        """Leave out values beyond what is allowed here, each with a sentence."""
        names = {target: name for name, (target, _) in PLAIN.items() if name in self.data}
        while errors := _errors(self.settings):
            for target, why in errors.items():
                section, _, name = target.rpartition(".")
                table = self.settings.get(section, {}) if section else self.settings
                if name not in table:
                    return  # left to whoever reads the settings
                value = table.pop(name)
                self.report.append(
                    f"{names.get(target, target)} = {value!r} does not fit here ({why}) and was "
                    "left out."
                )


def _errors(settings: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with settings, by their names, of those in tables with the table's."""
    try:
        TrainConfig.model_validate(settings)
    except ValidationError as error:
        return {".".join(str(p) for p in one["loc"][:2]): one["msg"] for one in error.errors()}
    return {}


def _words(arguments: Any) -> list[str]:
    """Return arguments as a list, which some interfaces write as one text, between quotes."""
    words = arguments.split() if isinstance(arguments, str) else arguments or []
    return [str(word).replace('"', "") for word in words]
