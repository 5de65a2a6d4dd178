"""Prompts with weights, long prompts, clip skip and learned words."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.engine.emphasis import PromptPart, prompt_parts, without_networks

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("(red:1.5), big", [("red", 1.5), (", big", 1.0)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        (r"smile \(face\)", [("smile (face)", 1.0)]),
        ("a: b", [("a: b", 1.0)]),
        ("3:4) x", [("3:4) x", 1.0)]),
        ("(open", [("open", 1.1)]),
        ("a) b]", [("a) b]", 1.0)]),
        ("Bob BREAK Ben", [("Bob ", 1.0), (None, 1.0), (" Ben", 1.0)]),
        ("BREAKING", [("BREAKING", 1.0)]),
        ("(red:1.)", [("red", 1.0)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1.0), (" c", 1 / 1.1)]),
        ("([red:1.5), big", [("red", 1.5 / 1.1), (", big", 1 / 1.1)]),
        ("a\\b", [("ab", 1.0)]),
        ("", []),
    ],
)
def test_emphasis_is_read_as_a1111_reads_it(
    prompt: str, parts: list[tuple[str | None, float]]
) -> None:
    found = prompt_parts(prompt)
    assert [part.text for part in found] == [text for text, _ in parts]
    assert [part.weight for part in found] == pytest.approx([weight for _, weight in parts])
    assert all(isinstance(part, PromptPart) for part in found)


def test_names_of_files_are_no_text() -> None:
    assert without_networks("a cat <lora:big cat:0.8>, red") == "a cat , red"


@pytest.fixture(scope="module")
def components(base: Path) -> object:
    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose

    return load_components(make_config(base, Path("unused")), choose(Machine(cuda=False)))


def test_plain_text_is_encoded_as_transformers_encodes_it(base: Path, components: object) -> None:
    import torch
    from transformers import CLIPTextModel, CLIPTokenizer

    from training.engine.text import TextConditioner

    tokenizer = CLIPTokenizer.from_pretrained(base / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(base / "text_encoder")
    ids = tokenizer("a red cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
    conditioner = TextConditioner(components)  # type: ignore[arg-type]
    with torch.no_grad():
        expected = encoder(ids)[0]
        skipped = encoder.final_layer_norm(
            encoder(ids, output_hidden_states=True).hidden_states[-2]
        )
    assert torch.equal(conditioner.encode(["a red cat"]).embeddings, expected)
    assert torch.equal(conditioner.encode(["a red cat"], emphasis=True).embeddings, expected)
    two = TextConditioner(components, clip_skip=2)  # type: ignore[arg-type]
    assert torch.equal(two.encode(["a red cat"]).embeddings, skipped)
    assert not torch.equal(skipped, expected)


def test_weights_multiply_their_words_alone(components: object) -> None:
    from training.engine.text import TextConditioner

    conditioner = TextConditioner(components)  # type: ignore[arg-type]
    plain = conditioner.encode(["a red cat"], emphasis=True).embeddings
    strong = conditioner.encode(["a (red:1.5) cat"], emphasis=True).embeddings
    ratio = (strong[0].norm(dim=1) / plain[0].norm(dim=1)).tolist()
    ratio = [value / ratio[1] for value in ratio]
    assert ratio == pytest.approx([1.0, 1.0, 1.5] + [1.0] * 74, rel=1e-3)


def test_the_mean_is_kept_where_there_is_one() -> None:
    import torch

    from training.engine.text import weighed

    hidden, weights = torch.rand(1, 77, 16), torch.ones(1, 1, 77)
    weights[0, 0, 5:20] = 2.0
    changed = weighed(hidden, weights)
    assert float(changed.mean()) == pytest.approx(float(hidden.mean()), rel=1e-4)
    assert float((changed[0, 5] / hidden[0, 5]).mean() / (changed[0, 0] / hidden[0, 0]).mean()) == (
        pytest.approx(2.0, rel=1e-3)
    )
    around_zero = hidden - hidden.mean()
    assert weighed(around_zero, weights).abs().max() < 10


def test_long_prompts_come_in_chunks_and_short_ones_beside_them_are_filled(
    components: object,
) -> None:
    from training.engine.text import TextConditioner

    conditioner = TextConditioner(components, max_tokens=225)  # type: ignore[arg-type]
    long = ", ".join(["red"] * 50)  # 99 tokens
    assert conditioner.encode([long]).embeddings.shape == (1, 154, 16)
    assert conditioner.encode(["a", long], emphasis=True).embeddings.shape == (2, 154, 16)
    assert conditioner.encode(["a BREAK b"], emphasis=True).embeddings.shape == (1, 154, 16)
    short = TextConditioner(components)  # type: ignore[arg-type]
    assert short.encode([long]).embeddings.shape == (1, 77, 16)


def test_chunks_end_where_a1111s_do(components: object) -> None:
    """At the last comma within 20 tokens, and before a learned word that would be cut in two."""
    from training.engine.text import TextConditioner

    conditioner = TextConditioner(components)  # type: ignore[arg-type]

    def lengths(text: str, *, emphasis: bool = True) -> list[int]:
        ids, _ = conditioner.token_ids([text], emphasis=emphasis, limit=3)
        end = components.tokenizers[0].eos_token_id  # type: ignore[attr-defined]
        return [chunk.tolist().index(end) - 1 for chunk in ids[0]]

    near = "red " * 56 + ", " + "blue " * 30
    assert lengths(near) == [57, 30]
    assert lengths(near, emphasis=False) == [75, 12]  # kohya's captions are cut at 75
    assert lengths("red " * 55 + ", " + "blue " * 30) == [56, 30]
    assert lengths("red " * 54 + ", " + "blue " * 30) == [75, 10]
    assert lengths("red " * 74 + ", " + "blue " * 3) == [75, 3]
    components.placeholders["<thing>"] = [-1, -2, -3, -4]  # type: ignore[attr-defined]
    try:
        assert lengths("red " * 73 + "<thing> blue") == [73, 5]
        assert lengths("red " * 71 + "<thing> blue") == [75, 1]
    finally:
        components.placeholders.clear()  # type: ignore[attr-defined]


def test_weights_in_one_chunk_leave_the_others_alone(components: object) -> None:
    import torch

    from training.engine.text import TextConditioner

    conditioner = TextConditioner(components)  # type: ignore[arg-type]
    plain = conditioner.encode(["a cat BREAK a dog"], emphasis=True).embeddings
    strong = conditioner.encode(["a (cat:1.5) BREAK a dog"], emphasis=True).embeddings
    assert torch.equal(plain[:, 77:], strong[:, 77:])
    assert not torch.allclose(plain[:, :77], strong[:, :77], atol=1e-3)
