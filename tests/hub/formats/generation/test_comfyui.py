import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.generation.comfyui import parse_comfyui, parse_workflow_only
from hub.formats.generation.comfyui_graph import MAX_NODES, read_graph
from hub.formats.generation.types import GenerationResource, GenerationSource, ResourceKind

LORA = ResourceKind.LORA


def node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}


def text_to_image(**changes: object) -> dict[str, object]:
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="sd\\v1-5.safetensors"),
        "2": node(
            "LoraLoader", lora_name="ink/inkwash.safetensors", strength_model=0.7, model=["1", 0]
        ),
        "3": node(
            "LoraLoaderModelOnly", lora_name="off.safetensors", strength_model=0, model=["2", 0]
        ),
        "4": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["2", 1]),
        "5": node("CLIPTextEncode", text="a cat, embedding:easy", clip=["4", 0]),
        "6": node("CLIPTextEncode", text="bad (embedding:neg:1.2)", clip=["4", 0]),
        "7": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "8": node(
            "KSampler",
            seed=42,
            steps=20,
            cfg=7.5,
            sampler_name="dpmpp_2m",
            scheduler="karras",
            denoise=1,
            model=["3", 0],
            positive=["5", 0],
            negative=["6", 0],
            latent_image=["7", 0],
        ),
        "9": node("VAELoader", vae_name="mse.vae.safetensors"),
        "10": node("VAEDecode", samples=["8", 0], vae=["9", 0]),
        "11": node("SaveImage", images=["10", 0]),
    }
    return {**graph, **changes}


def parse(graph: object):
    return parse_comfyui(json.dumps(graph))


def test_a_plain_graph_is_read():
    data = parse(text_to_image())
    assert data.prompt == "a cat, embedding:easy"
    assert data.negative_prompt == "bad (embedding:neg:1.2)"
    assert (data.sampler, data.schedule_type) == ("DPM++ 2M", "Karras")
    assert (data.steps, data.cfg_scale, data.seed) == (20, 7.5, 42)
    assert (data.width, data.height, data.clip_skip) == (512, 768, 2)
    assert (data.model, data.vae) == ("v1-5", "mse.vae")
    assert data.denoising_strength is None
    assert data.resources == (
        GenerationResource(LORA, "inkwash", 0.7),
        GenerationResource(ResourceKind.EMBEDDING, "easy"),
        GenerationResource(ResourceKind.EMBEDDING, "neg"),
    )
    assert data.extra == {"ComfyUI sampler": "dpmpp_2m", "ComfyUI scheduler": "karras"}
    assert data.source is GenerationSource.COMFYUI


def test_the_graph_and_the_workflow_are_kept():
    prompt = json.dumps(text_to_image())
    assert parse_comfyui(prompt).raw == prompt
    both = json.loads(parse_comfyui(prompt, '{"nodes": []}').raw)
    assert both == {"prompt": text_to_image(), "workflow": {"nodes": []}}


def test_a_custom_sampler_is_read_from_its_helpers():
    graph = text_to_image()
    graph["8"] = node(
        "SamplerCustomAdvanced",
        noise=["20", 0],
        guider=["21", 0],
        sampler=["22", 0],
        sigmas=["23", 0],
        latent_image=["7", 0],
    )
    graph["20"] = node("RandomNoise", noise_seed=["30", 0])
    graph["21"] = node("BasicGuider", model=["3", 0], conditioning=["24", 0])
    graph["22"] = node("KSamplerSelect", sampler_name="euler")
    graph["23"] = node("BasicScheduler", steps=4, scheduler="simple", denoise=0.6, model=["3", 0])
    graph["24"] = node("FluxGuidance", guidance=3.5, conditioning=["5", 0])
    graph["30"] = node("PrimitiveInt", value=99)
    data = parse(graph)
    assert (data.prompt, data.negative_prompt) == ("a cat, embedding:easy", "")
    assert (data.seed, data.steps, data.sampler) == (99, 4, "Euler")
    assert (data.denoising_strength, data.cfg_scale) == (0.6, 3.5)
    assert (data.schedule_type, data.model) == ("Simple", "v1-5")
    assert data.extra["Distilled CFG Scale"] == "3.5"
    assert data.resources[0].name == "inkwash"


def test_the_first_sampler_gives_the_settings_and_the_last_one_the_hires_pass():
    graph = text_to_image()
    graph["12"] = node("LatentUpscale", width=1024, height=1536, samples=["8", 0])
    graph["13"] = node(
        "KSamplerAdvanced",
        noise_seed=7,
        steps=9,
        cfg=5,
        sampler_name="euler_ancestral",
        denoise=0.4,
        model=["3", 0],
        positive=["5", 0],
        negative=["6", 0],
        latent_image=["12", 0],
    )
    data = parse(graph)
    assert (data.steps, data.seed, data.width) == (20, 42, 512)
    assert (data.hires_steps, data.denoising_strength) == (9, 0.4)


def test_texts_are_found_behind_other_conditioning():
    graph = text_to_image()
    graph["40"] = node("ControlNetApplyAdvanced", positive=["41", 0], negative=["6", 0], strength=1)
    graph["41"] = node("ConditioningCombine", conditioning_1=["5", 0], conditioning_2=["42", 0])
    graph["42"] = node("CLIPTextEncodeSDXL", text_g="global", text_l=["43", 0], width=1024)
    graph["43"] = node("ImpactWildcardProcessor", populated_text="local")
    graph["8"]["inputs"] |= {"positive": ["40", 0], "negative": ["40", 1]}
    data = parse(graph)
    assert data.prompt == "a cat, embedding:easy\nglobal\nlocal"
    assert data.negative_prompt == "bad (embedding:neg:1.2)"


def test_rows_of_a_power_loader_are_read():
    rows = {
        "lora_1": {"on": True, "lora": "a.safetensors", "strength": 0.5},
        "lora_2": {"on": False, "lora": "b.safetensors", "strength": 1},
        "lora_3": {"on": True, "lora": "None", "strength": 1},
        "lora_4": {"on": True, "lora": None},
    }
    graph = text_to_image(**{"2": node("Power Lora Loader (rgthree)", model=["1", 0], **rows)})
    assert parse(graph).resources[0] == GenerationResource(LORA, "a", 0.5)
    assert len([item for item in parse(graph).resources if item.kind is LORA]) == 1


def test_cycles_and_depth_do_not_hold_the_walk_up():
    graph = text_to_image()
    graph["5"] = node("ConditioningCombine", conditioning_1=["50", 0], conditioning_2=["5", 0])
    graph["50"] = node("ConditioningCombine", conditioning_1=["5", 0])
    graph["8"]["inputs"] |= {"seed": ["60", 0], "latent_image": ["70", 0], "steps": ["nowhere", 0]}
    graph["60"] = node("Loop", seed=["60", 0])
    graph["70"] = node("LatentLoop", samples=["70", 0])
    data = parse(graph)
    assert (data.prompt, data.seed, data.steps) == ("", None, None)
    assert (data.width, data.height) == (None, None)
    deep = text_to_image()
    for index in range(100, 140):
        deep[str(index)] = node("ConditioningPass", conditioning=[str(index + 1), 0])
    deep["140"] = node("CLIPTextEncode", text="too deep")
    deep["8"]["inputs"]["positive"] = ["100", 0]
    assert parse(deep).prompt == ""


def test_links_to_nodes_without_values_give_nothing():
    graph = text_to_image(**{"80": node("Empty")})
    graph["8"]["inputs"] |= {"seed": ["80", 0], "positive": ["80", "slot"], "cfg": float("nan")}
    data = parse(graph)
    assert (data.seed, data.prompt, data.cfg_scale) == (None, "", None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"1": 2}', '{"1": {"class_type": "SaveImage", "inputs": 3}}', "[" * 100_000],
)
def test_what_is_no_graph_with_a_sampler_is_none(text):
    assert parse_comfyui(text) is None


def test_the_number_of_nodes_is_limited():
    nodes = {str(index): node("X") for index in range(MAX_NODES)}
    assert read_graph(json.dumps(nodes)) is not None
    assert read_graph(json.dumps({**nodes, "one more": node("X")})) is None


def test_a_workflow_without_graph_is_kept_for_copying():
    text = '{"nodes": [], "links": []}'
    data = parse_workflow_only(text)
    assert (data.raw, data.source) == (text, GenerationSource.COMFYUI)
    assert parse_workflow_only("{}") is None
    assert parse_workflow_only("{") is None


links = st.lists(st.sampled_from(["1", "2", "3", 4, None]), min_size=2, max_size=2)
values = links | st.integers() | st.floats() | st.text(max_size=5) | st.none() | st.booleans()
inputs = st.dictionaries(
    st.sampled_from(
        [
            *("positive", "negative", "steps", "sigmas", "guider", "model", "text", "seed", "cfg"),
            *("lora_name", "lora_1", "latent_image", "width", "vae_name", "stop_at_clip_layer"),
        ]
    ),
    values,
)


@given(st.dictionaries(st.sampled_from("123"), st.builds(lambda i: node("K", **i), inputs)))
def test_arbitrary_graphs_are_read_or_refused(graph):
    parse(graph)
