"""What lycoris-lora 4.1.3 makes of the adapters in lycoris_cases.py, which prints this table.

Shapes are those of its own modules, alpha is what its files hold.
"""

from __future__ import annotations

from typing import Any

NUMBERS: dict[tuple[str, str], dict[str, Any]] = {
    ("locon", "linear"): {
        "shapes": {"lora_up.weight": (24, 2), "lora_down.weight": (2, 36)},
        "alpha": 0.75,
        "values": [-0.792079, 0.817845, 0.629303, -0.590616, 0.715281, -0.745767],
    },
    ("locon", "conv"): {
        "shapes": {"lora_up.weight": (24, 2, 1, 1), "lora_down.weight": (2, 36, 3, 3)},
        "alpha": 0.75,
        "values": [0.063196, 0.134422, 0.0743727, -0.0583086, -0.134046, -0.0788753],
    },
    ("locon, tucker", "linear"): {
        "shapes": {"lora_up.weight": (24, 2), "lora_down.weight": (2, 36)},
        "alpha": 0.75,
        "values": [-0.792079, 0.817845, 0.629303, -0.590616, 0.715281, -0.745767],
    },
    ("locon, tucker", "conv"): {
        "shapes": {
            "lora_up.weight": (24, 2, 1, 1),
            "lora_down.weight": (2, 36, 1, 1),
            "lora_mid.weight": (2, 2, 3, 3),
        },
        "alpha": 0.75,
        "values": [0.00560546, 0.0472518, 0.0427524, -0.00349861, -0.046333, -0.0439189],
    },
    ("dora by input", "linear"): {
        "shapes": {"dora_scale": (1, 36), "lora_up.weight": (24, 2), "lora_down.weight": (2, 36)},
        "alpha": 0.75,
        "values": [0.785666, 5.47669, -6.89495, -4.72537, 0.0557776, -4.90001],
    },
    ("dora by input", "conv"): {
        "shapes": {
            "dora_scale": (1, 36, 1, 1),
            "lora_up.weight": (24, 2, 1, 1),
            "lora_down.weight": (2, 36, 3, 3),
        },
        "alpha": 0.75,
        "values": [-0.784418, 0.336439, 0.394271, -0.784688, 0.536947, 0.150201],
    },
    ("dora by output", "linear"): {
        "shapes": {"dora_scale": (24, 1), "lora_up.weight": (24, 2), "lora_down.weight": (2, 36)},
        "alpha": 0.75,
        "values": [0.824364, 4.05117, -7.00454, -3.86308, 0.0304524, -3.57973],
    },
    ("dora by output", "conv"): {
        "shapes": {
            "dora_scale": (24, 1, 1, 1),
            "lora_up.weight": (24, 2, 1, 1),
            "lora_down.weight": (2, 36, 3, 3),
        },
        "alpha": 0.75,
        "values": [-0.715154, 0.289267, 0.330218, -0.669906, 0.462991, 0.143768],
    },
    ("loha", "linear"): {
        "shapes": {
            "hada_w1_a": (24, 2),
            "hada_w1_b": (2, 36),
            "hada_w2_a": (24, 2),
            "hada_w2_b": (2, 36),
        },
        "alpha": 0.75,
        "values": [0.00229669, 0.00220537, -0.00735044, -0.00717688, -0.00139968, -0.00132942],
    },
    ("loha", "conv"): {
        "shapes": {
            "hada_w1_a": (24, 2),
            "hada_w1_b": (2, 324),
            "hada_w2_a": (24, 2),
            "hada_w2_b": (2, 324),
        },
        "alpha": 0.75,
        "values": [0.00502753, 0.00655794, -0.000488371, 0.00469363, 0.00680321, -0.000388399],
    },
    ("loha, tucker", "linear"): {
        "shapes": {
            "hada_w1_a": (24, 2),
            "hada_w1_b": (2, 36),
            "hada_w2_a": (24, 2),
            "hada_w2_b": (2, 36),
        },
        "alpha": 0.75,
        "values": [0.00229669, 0.00220537, -0.00735044, -0.00717688, -0.00139968, -0.00132942],
    },
    ("loha, tucker", "conv"): {
        "shapes": {
            "hada_w1_a": (2, 24),
            "hada_w1_b": (2, 36),
            "hada_w2_a": (2, 24),
            "hada_w2_b": (2, 36),
            "hada_t1": (2, 2, 3, 3),
            "hada_t2": (2, 2, 3, 3),
        },
        "alpha": 0.75,
        "values": [
            -0.000944734,
            -0.000864208,
            -0.000282913,
            0.000231564,
            0.000176668,
            -0.000393972,
        ],
    },
    ("loha, dora", "linear"): {
        "shapes": {
            "dora_scale": (24, 1),
            "hada_w1_a": (24, 2),
            "hada_w1_b": (2, 36),
            "hada_w2_a": (24, 2),
            "hada_w2_b": (2, 36),
        },
        "alpha": 0.75,
        "values": [0.824364, 4.19826, -7.00454, -3.67418, 0.0304524, -3.74987],
    },
    ("loha, dora", "conv"): {
        "shapes": {
            "dora_scale": (24, 1, 1, 1),
            "hada_w1_a": (24, 2),
            "hada_w1_b": (2, 324),
            "hada_w2_a": (24, 2),
            "hada_w2_b": (2, 324),
        },
        "alpha": 0.75,
        "values": [-0.715154, 0.292405, 0.334623, -0.66756, 0.458632, 0.141017],
    },
    ("lokr", "linear"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2_a": (6, 2), "lokr_w2_b": (2, 6)},
        "alpha": 0.75,
        "values": [-0.0589082, 0.0279093, -0.00771427, -0.0668092, 0.0598497, -0.0197563],
    },
    ("lokr", "conv"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2_a": (6, 2), "lokr_w2_b": (2, 54)},
        "alpha": 0.75,
        "values": [0.00718957, -0.0623287, 0.00903991, 0.0225719, 0.0101129, -0.0358925],
    },
    ("lokr, factor 12", "linear"): {
        "shapes": {"lokr_w1": (2, 3), "lokr_w2_a": (12, 2), "lokr_w2_b": (2, 12)},
        "alpha": 0.75,
        "values": [0.0848991, -0.190593, 0.105052, 0.165378, -0.0977194, 0.170411],
    },
    ("lokr, factor 12", "conv"): {
        "shapes": {"lokr_w1": (2, 3), "lokr_w2_a": (12, 2), "lokr_w2_b": (2, 108)},
        "alpha": 0.75,
        "values": [0.0358371, 0.0490022, 0.0143121, -0.0198281, 0.028292, 0.0487824],
    },
    ("lokr, factor 4", "linear"): {
        "shapes": {"lokr_w1": (4, 4), "lokr_w2_a": (6, 2), "lokr_w2_b": (2, 9)},
        "alpha": 0.75,
        "values": [-0.0410722, 0.00653362, 0.00154257, 0.0351682, 0.0408839, -0.0108252],
    },
    ("lokr, factor 4", "conv"): {
        "shapes": {"lokr_w1": (4, 4), "lokr_w2_a": (6, 2), "lokr_w2_b": (2, 81)},
        "alpha": 0.75,
        "values": [0.00724137, 3.1352e-05, 0.0037376, 0.00528747, -0.00125998, 0.000289947],
    },
    ("lokr, whole", "linear"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2": (6, 6)},
        "alpha": 16.0,
        "values": [-0.457278, 0.53388, -0.333879, -0.469055, 0.498024, -0.476638],
    },
    ("lokr, whole", "conv"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2": (6, 6, 3, 3)},
        "alpha": 16.0,
        "values": [0.331499, -0.46111, 0.243217, 0.325792, -0.322753, -0.255135],
    },
    ("lokr, full matrix", "linear"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2": (6, 6)},
        "alpha": 2.0,
        "values": [-0.457278, 0.53388, -0.333879, -0.469055, 0.498024, -0.476638],
    },
    ("lokr, full matrix", "conv"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2": (6, 6, 3, 3)},
        "alpha": 2.0,
        "values": [0.331499, -0.46111, 0.243217, 0.325792, -0.322753, -0.255135],
    },
    ("lokr, both", "linear"): {
        "shapes": {
            "lokr_w1_a": (4, 1),
            "lokr_w1_b": (1, 6),
            "lokr_w2_a": (6, 1),
            "lokr_w2_b": (1, 6),
        },
        "alpha": 0.75,
        "values": [0.0, 0.016675, 0.0, 0.00157499, 0.0, -0.0168672],
    },
    ("lokr, both", "conv"): {
        "shapes": {
            "lokr_w1_a": (4, 1),
            "lokr_w1_b": (1, 6),
            "lokr_w2_a": (6, 1),
            "lokr_w2_b": (1, 54),
        },
        "alpha": 0.75,
        "values": [0.0, 0.0, 0.0392962, 0.0119153, 0.00766456, -0.0366867],
    },
    ("lokr, tucker", "linear"): {
        "shapes": {"lokr_w1": (4, 6), "lokr_w2_a": (6, 1), "lokr_w2_b": (1, 6)},
        "alpha": 0.75,
        "values": [-0.168839, -0.00272274, 0.0493302, -0.204404, 0.162819, 0.027668],
    },
    ("lokr, tucker", "conv"): {
        "shapes": {
            "lokr_w1": (4, 6),
            "lokr_w2_a": (1, 6),
            "lokr_w2_b": (1, 6),
            "lokr_t2": (1, 1, 3, 3),
        },
        "alpha": 0.75,
        "values": [-0.0204597, -0.013161, -0.0167803, -0.00774682, -0.00498331, 0.00737546],
    },
}
