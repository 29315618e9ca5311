"""Ops of torch, family by family: each function of a family is an output of one module, held to torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.exporter.frontends.torch_agreement import agrees, close, exported

torch = pytest.importorskip("torch")
F = torch.nn.functional

Functions = dict[str, Callable[..., Any]]

FLOAT = (torch.linspace(-3.2, 3.3, 24).reshape(2, 3, 4), torch.linspace(0.2, 2.9, 4))
INTEGER = (torch.arange(-7, 17).reshape(2, 3, 4), torch.tensor([2, -3, 5, 7]))
BOOL = (torch.arange(24).reshape(2, 3, 4) % 3 == 0, torch.tensor([True, False, False, True]))
IMAGE = (torch.randn(2, 4, 9, 11, generator=torch.Generator().manual_seed(1)),)
POSITIVE = (torch.linspace(0.05, 0.95, 12).reshape(3, 4), torch.linspace(1.1, 4.0, 4))

POINTWISE: Functions = {
    "add": lambda x, y: x + y,
    "add_alpha": lambda x, y: torch.add(x, y, alpha=3),
    "add_number": lambda x, y: 2 + x,
    "sub": lambda x, y: torch.sub(x, y, alpha=2),
    "rsub": lambda x, y: 1.5 - x,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "div_floor": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "div_trunc": lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    "remainder": lambda x, y: x % y,
    "fmod": lambda x, y: (torch.fmod(x, y), torch.fmod(x, 2)),
    "pow_number": lambda x, y: (x**2, x**3, y**0.5, y**-0.5, y**-1, y**1.7, x**1),
    "pow": lambda x, y: (torch.pow(y, x), torch.pow(2.0, x)),
    "maximum": lambda x, y: (torch.maximum(x, y), torch.minimum(x, y)),
    "clamp": lambda x, y: (x.clamp(-1, 1), x.clamp(min=0.5), x.clamp(max=0.5), x.clamp(min=y), x.clamp(0, 6)),
    "compare": lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y, x > 0),
    "where": lambda x, y: (torch.where(x > 0, x, y), torch.where(x > 0, 1.0, y), torch.where(x > 0, x, 0)),
    "masked_fill": lambda x, y: x.masked_fill(x > 1, float("-inf")),
    "addcmul": lambda x, y: (torch.addcmul(x, y, y, value=0.5), torch.addcdiv(x, x, y, value=0.5)),
    "lerp": lambda x, y: (torch.lerp(x, x * 2, 0.3), torch.lerp(x, x * 2, y)),
    "atan2": lambda x, y: (torch.atan2(x, y), torch.atan2(y, x)),
    "unary": lambda x, y: (
        x.abs(),
        -x,
        x.sign(),
        x.square(),
        x.exp(),
        x.expm1(),
        x.sigmoid(),
        x.tanh(),
        x.erf(),
    ),
    "trigonometric": lambda x, y: (x.sin(), x.cos(), x.tan(), x.atan(), x.sinh(), x.cosh(), torch.asinh(x)),
    "rounding": lambda x, y: (x.floor(), x.ceil(), x.round(), x.trunc(), x.frac(), x.round(decimals=1)),
    "roots": lambda x, y: (y.sqrt(), y.rsqrt(), y.reciprocal(), y.log(), y.log1p(), y.log2(), y.log10()),
    "powers": lambda x, y: (torch.exp2(x), torch.erfc(x), torch.hypot(x, y), torch.xlogy(x, y)),
    "tests": lambda x, y: (torch.isnan(x.log()), torch.isinf(1 / (x * 0)), torch.isfinite(x)),
    "nan_to_num": lambda x, y: torch.nan_to_num((x - x[0]) / (x - x[0]), nan=2.0),
    "relu": lambda x, y: (
        F.relu(x),
        F.relu6(x),
        F.leaky_relu(x, 0.1),
        F.elu(x, 0.7),
        F.selu(x),
        F.celu(x, 1.5),
    ),
    "gelu": lambda x, y: (F.gelu(x), F.gelu(x, approximate="tanh"), F.silu(x), F.mish(x)),
    "hard": lambda x, y: (
        F.hardswish(x),
        F.hardsigmoid(x),
        F.hardtanh(x, -2, 1),
        F.hardshrink(x),
        F.softshrink(x),
    ),
    "soft": lambda x, y: (
        F.softplus(x),
        F.softplus(x, 2, 3),
        F.softsign(x),
        F.logsigmoid(x),
        F.tanhshrink(x),
    ),
    "threshold": lambda x, y: (
        F.threshold(x, 0.5, -1.0),
        F.glu(x, -1),
        F.prelu(x, torch.tensor([0.2, 0.3, 0.4])),
    ),
    "casts": lambda x, y: (x.int(), x.long(), x.half(), x.bool(), x.short()),
    "like": lambda x, y: (
        torch.zeros_like(x),
        torch.ones_like(x),
        torch.full_like(x, 3),
        x.new_full((2, 2), 7),
    ),
}
INTEGERS: Functions = {
    "arithmetic": lambda x, y: (x + y, x - y, x * y, x + 1, 2 - x, x * 2.5, x / y, x**2),
    "division": lambda x, y: (
        x // y,
        torch.div(x, y, rounding_mode="trunc"),
        torch.remainder(x, y),
        torch.fmod(x, y),
        x % 3,
    ),
    "bits": lambda x, y: (x & y, x | y, x ^ y, ~x, x << 2, x >> 1, x & 5),
    "functions": lambda x, y: (
        x.abs(),
        -x,
        x.sign(),
        x.clamp(-2, 3),
        x.sqrt(),
        torch.exp(y),
        x.float().mean(),
    ),
    "compare": lambda x, y: (x < y, x == 3, torch.maximum(x, y), x.bool(), torch.logical_not(x)),
    "mixed": lambda x, y: (x + y.float(), x.int() + y, x.to(torch.int8) + 1, torch.where(x > 0, x, 0)),
    "sums": lambda x, y: (
        x.sum(),
        x.sum(1),
        x.int().sum(-1),
        x.prod(2),
        x.amax(0),
        x.cumsum(1),
        (x > 0).sum(1),
    ),
    "floor": lambda x, y: (x.floor(), x.ceil(), torch.round(x), torch.trunc(x)),
}
BOOLS: Functions = {
    "any_byte": lambda x, y: (x.to(torch.uint8).any(1), x.to(torch.uint8).all(0), x.to(torch.uint8).all()),
    "logic": lambda x, y: (x & y, x | y, x ^ y, ~x, torch.logical_and(x, y), x * y, x == y, x < y),
    "numbers": lambda x, y: (x + 1, x * 2.5, x.float(), x.sum(), x.long().cumsum(-1), x.int() - y.int()),
    "any": lambda x, y: (x.any(), x.all(), x.any(1), x.all(-1, keepdim=True), x.amax(1)),
    "choice": lambda x, y: (torch.where(x, 1, 0), torch.where(x, y, x), x.long().argmax(-1)),
}
REDUCTIONS: Functions = {
    "sum": lambda x, y: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.mean(), x.mean(-1, keepdim=True)),
    "extremes": lambda x, y: (
        x.amax((0, 1)),
        x.amin(-1, keepdim=True),
        x.max(),
        x.min(),
        y.prod(),
        x.prod(1),
    ),
    "with_index": lambda x, y: (
        *x.max(1),
        *x.min(-1, keepdim=True),
        x.argmax(1),
        x.argmin(),
        x.argmax(-1, True),
    ),
    "variance": lambda x, y: (x.var(), x.var(1), x.std(-1, correction=0), *torch.var_mean(x, dim=(0, 2))),
    "norms": lambda x, y: (
        x.norm(),
        x.norm(dim=1),
        torch.linalg.vector_norm(x, 1, 2),
        x.norm(3, 1),
        F.normalize(x),
    ),
    "infinite_norm": lambda x, y: torch.linalg.vector_norm(x, float("inf"), 1),
    "logsumexp": lambda x, y: (x.logsumexp(1), x.logsumexp((0, 2), keepdim=True)),
    "softmax": lambda x, y: (x.softmax(-1), x.softmax(0), x.log_softmax(1), F.softmin(x, 1), y.softmax(0)),
    "running": lambda x, y: (x.cumsum(1), x.cumsum(-1), y.cumprod(0)),
    "top": lambda x, y: (
        *x.topk(2, 1),
        *x.topk(3, -1, largest=False),
        *x.sort(-1),
        *x.sort(1, descending=True),
    ),
    "order": lambda x, y: (x.argsort(-1), x.argsort(1, descending=True)),
    "scalar": lambda x, y: (x.sum().softmax(0), x.sum().sum(), x.sum().max(0)),
    "distance": lambda x, y: F.cosine_similarity(x, y, dim=-1),
    "median_free": lambda x, y: torch.count_nonzero(x > 0, dim=1),
}
SHAPES: Functions = {
    "views": lambda x, y: (x.view(6, 4), x.reshape(2, -1), x.flatten(), x.flatten(1), x.unflatten(2, (2, 2))),
    "bits": lambda x, y: (
        x.view(torch.int32),
        (x + 1).view(torch.int32) & 0xFFFF,
        x.view(torch.uint8),
        x.transpose(1, 2).contiguous().view(torch.int16)[:, :, 2:].contiguous().view(torch.float32),
        (x > 0).view(torch.uint8),
        y.view(torch.float16)[::2],
    ),
    "axes": lambda x, y: (x.permute(2, 0, 1), x.transpose(0, 2), x.mT, y.t(), x.movedim(0, 2), x[0].T),
    "unit_axes": lambda x, y: (x.unsqueeze(1), x[:1].squeeze(), x[:, :1].squeeze(1), x[None], x.squeeze(0)),
    "expand": lambda x, y: (
        y.expand(3, 4),
        x[:, :1].expand(-1, 5, -1),
        y.expand_as(x),
        torch.broadcast_to(y, (2, 4)),
    ),
    "join": lambda x, y: (
        torch.cat([x, x], 1),
        torch.stack([y, y * 2], -1),
        torch.hstack([x, x]),
        torch.cat([y, x[0, 0]]),
    ),
    "mixed_join": lambda x, y: torch.cat([y, y.long()]),
    "repeat": lambda x, y: (x.repeat(1, 2, 1), y.repeat(3, 2), x.repeat_interleave(2, 1), y.tile(3)),
    "turn": lambda x, y: (x.flip(1), x.flip((0, 2)), x.roll(1, 2), x.roll((1, -1), (0, 1)), y.roll(2)),
    "slices": lambda x, y: (
        x[:, 1:],
        x[..., :-1],
        x[:, ::2],
        x[1, :, 2],
        x[-1],
        x[:, -2:],
        x.narrow(1, 1, 2),
        x[:, 5:],
    ),
    "split": lambda x, y: (
        *x.split(2, 1),
        *x.split([1, 2], 1),
        *x.chunk(2, -1),
        *x.unbind(1),
        *x.tensor_split(2, 2),
    ),
    "triangle": lambda x, y: (x.tril(), x.triu(1), x.tril(-1), torch.triu(torch.ones(3, 4), -1)),
    "diagonal": lambda x, y: (
        x.diagonal(0, 1, 2),
        x[0].diagonal(1),
        x.diagonal(-1, 2, 1),
        torch.diag_embed(y),
    ),
    "pad": lambda x, y: (
        F.pad(x, (1, 2)),
        F.pad(x, (1, 0, 2, 1), value=3.0),
        F.pad(x, (-1, 1)),
        F.pad(x, (1, 1), "replicate"),
    ),
    "circular": lambda x, y: (F.pad(x, (2, 1), "circular"), F.pad(x[None], (1, 1, 2, 0), "circular")),
    "reflect": lambda x, y: (F.pad(x, (2, 1), "reflect"), F.pad(x[None], (1, 1, 2, 0), "reflect")),
    "unfold": lambda x, y: (x.unfold(2, 2, 1), x.unfold(1, 2, 1)),
    "create": lambda x, y: (
        torch.arange(5) + y[0],
        torch.arange(1, 9, 2) * y[0],
        torch.eye(3) * y[0],
        torch.linspace(0, 1, 4) + y,
    ),
    "meshgrid": lambda x, y: torch.meshgrid(y, torch.arange(3.0), indexing="ij"),
    "atleast": lambda x, y: (torch.atleast_2d(y), y.view(2, 2), x.numel() + y, y.new_zeros(2) + y[:2]),
    "outer": lambda x, y: (torch.outer(y, y), torch.kron(y, y)),
}
INDICES: Functions = {
    "index": lambda x, y: (
        x[:, [2, 0]],
        x[torch.tensor([1, 0, 1])],
        x[:, torch.tensor([-1, 0])],
        x[..., [[0, 1], [2, 3]]],
    ),
    "several": lambda x, y: (
        x[[0, 1], [2, 1]],
        x[[[0], [1]], :, [1, 2]],
        x[:, [0, 1], [1, 3]],
        x[[0, 1], [1, 2], [3, -1]],
    ),
    "computed": lambda x, y: (x[:, x[0, :, 0].argsort()], x[y.argmax() % 2], y[x.long().clamp(0, 3)]),
    "index_select": lambda x, y: (
        x.index_select(1, torch.tensor([2, 2, 0])),
        torch.take(x, torch.tensor([3, -1])),
    ),
    "gather": lambda x, y: (
        x.gather(1, torch.tensor([[[0, 2, 1, 0]], [[1, 1, 0, 2]]])),
        torch.take_along_dim(x, x.argsort(-1), -1),
    ),
    "scatter": lambda x, y: (
        x.scatter(1, torch.tensor([[[0, 2, 1, 0]], [[1, 1, 0, 2]]]), 9.0),
        x.scatter(2, torch.tensor([[[3, 0]], [[1, 2]]]), x + 10),
        x.scatter_add(1, torch.tensor([[[0, 0, 1, 0], [0, 1, 1, 2]], [[1, 1, 0, 2], [0, 0, 0, 0]]]), x * 2),
        x.scatter_reduce(1, torch.tensor([[[0, 0, 1, 0]], [[1, 1, 0, 2]]]), x, "amax"),
        x.scatter_reduce(1, torch.tensor([[[0, 0, 1, 0]], [[1, 1, 0, 2]]]), x, "sum", include_self=False),
    ),
    "put": lambda x, y: (
        x.index_put((torch.tensor([0, 1]), torch.tensor([2, 0])), y),
        x.index_put((torch.tensor([1]),), y, accumulate=True),
        x.index_copy(1, torch.tensor([2, 0]), x[:, :2] * 3),
        x.index_add(2, torch.tensor([1, 1]), x[..., :2], alpha=2),
        x.index_fill(1, torch.tensor([1]), 4.0),
    ),
    "masked": lambda x, y: (x.masked_fill(x > 0, 1.0), torch.where(x > y, x, y)),
    "embedding": lambda x, y: (
        F.embedding(torch.tensor([[0, 2], [1, 1]]), x[0]),
        F.one_hot(torch.tensor([1, 3]), 5),
    ),
}


class Written(torch.nn.Module):
    """Assignments to parts, which torch makes functional."""

    def forward(self, x: Any, y: Any) -> Any:
        a = x.clone()
        a[:, 1] = y
        b = x.clone()
        b[..., 1:3] += 5
        c = x.clone()
        c[c > 1] = 0.5
        d = x.clone()
        d[:, [0, 2]] = y
        e = x.clone()
        e.mul_(2).add_(y)
        e[0].zero_()
        g = torch.zeros(2, 3, 4)
        g[:, :2] = x[:, 1:]
        h = x.clone()
        h[:, ::2] = 0
        return a, b, c, d, e, g, h


PRODUCTS: Functions = {
    "matmul": lambda x, y: (
        x @ y,
        x @ x.mT,
        x[0] @ x.mT[1],
        x.mT @ x,
        y @ y,
        x[0] @ y,
        y @ x[0].T,
        x[None] @ x.mT,
    ),
    "bmm": lambda x, y: (torch.bmm(x, x.mT), torch.baddbmm(torch.ones(3, 3), x, x.mT, beta=0.5, alpha=2)),
    "addmm": lambda x, y: (
        torch.addmm(y, x[0], torch.eye(4)),
        torch.addmm(x[0], x[0], torch.eye(4), beta=2, alpha=0.5),
    ),
    "linear": lambda x, y: (
        F.linear(x, x[0]),
        F.linear(x, x[0], y[:3]),
        F.linear(y, x[0]),
        F.linear(x[0], x[1]),
    ),
    "einsum": lambda x, y: (
        torch.einsum("bij,bkj->bik", x, x),
        torch.einsum("bij,j->bi", x, y),
        torch.einsum("bij->bji", x),
        torch.einsum("i,j->ij", y, y),
        torch.einsum("bij,bij->b", x, x),
    ),
    "tensordot": lambda x, y: (torch.tensordot(x, x, ([0, 2], [0, 2])), torch.addmv(y[:3], x[0], y)),
    "cdist": lambda x, y: torch.cdist(x, x + 1),
    "bilinear": lambda x, y: F.bilinear(x, x, torch.ones(2, 4, 4) * 0.1),
}
ATTENTION: Functions = {
    "plain": lambda x, y: F.scaled_dot_product_attention(x, x, x),
    "causal": lambda x, y: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "scaled": lambda x, y: F.scaled_dot_product_attention(x[:, :2], x, x, scale=0.3),
    "bool_mask": lambda x, y: F.scaled_dot_product_attention(x, x, x, attn_mask=x[0, :, :3] > 0),
    "float_mask": lambda x, y: F.scaled_dot_product_attention(x, x, x, attn_mask=x[0, :, :3]),
    "nothing_seen": lambda x, y: F.scaled_dot_product_attention(x, x, x, attn_mask=x[0, :, :3] > 0.4),
    "shared_heads": lambda x, y: F.scaled_dot_product_attention(
        x.view(1, 2, 3, 4).repeat(1, 2, 1, 1), x.view(1, 2, 3, 4), x.view(1, 2, 3, 4), enable_gqa=True
    ),
}
NORMALIZATIONS: Functions = {
    "layer": lambda x, y: (
        F.layer_norm(x, (4,)),
        F.layer_norm(x, (4,), y, y),
        F.layer_norm(x, (3, 4), eps=1e-3),
    ),
    "group": lambda x, y: (
        F.group_norm(x.mT, 2),
        F.group_norm(x.mT, 2, y, y),
        F.group_norm(x.mT[..., None], 4),
    ),
    "batch": lambda x, y: F.batch_norm(x.mT, y, y, y * 2, y, eps=1e-3),
    "batch_of_rows": lambda x, y: F.batch_norm(x[0], y, y),
    "batch_of_images": lambda x, y: F.batch_norm(x.mT[..., None], y, y, y * 2, y),
    "instance": lambda x, y: (F.instance_norm(x), F.instance_norm(x.mT, weight=y, bias=y)),
    "rms": lambda x, y: (F.rms_norm(x, (4,)), F.rms_norm(x, (3, 4), eps=1e-3), F.rms_norm(x, (4,), y)),
    "local": lambda x, y: F.local_response_norm(x, 2),
}
POOLS: Functions = {
    "max": lambda x: (
        F.max_pool2d(x, 2),
        F.max_pool2d(x, 3, 2, 1),
        F.max_pool2d(x, (2, 3), (1, 2)),
        F.max_pool2d(x[0], 2),
    ),
    "max_ceil": lambda x: (F.max_pool2d(x, 2, ceil_mode=True), F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    "max_in_one": lambda x: F.max_pool1d(x[:, :, 0], 3, 2, 1),
    "average": lambda x: (
        F.avg_pool2d(x, 2),
        F.avg_pool2d(x, 3, 2, 1),
        F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    ),
    "average_ceil": lambda x: F.avg_pool2d(x, 2, ceil_mode=True),
    "average_in_one": lambda x: F.avg_pool1d(x[:, :, 0], 3, 2, 1),
    "adaptive": lambda x: (
        F.adaptive_avg_pool2d(x, 1),
        F.adaptive_avg_pool2d(x, (3, 11)),
        F.adaptive_avg_pool2d(x, (2, 4)),
        F.adaptive_avg_pool2d(x[..., :9], 3),
        F.adaptive_avg_pool1d(x[:, :, 0], 4),
    ),
    "shuffle": lambda x: (
        F.pixel_shuffle(x, 2),
        F.pixel_unshuffle(x[..., :8, :10], 2),
        F.channel_shuffle(x, 2),
    ),
    "max_of_volumes": lambda x: F.max_pool3d(x[:, :, None].expand(-1, -1, 3, -1, -1), 2),
    "max_of_a_size": lambda x: (
        F.adaptive_max_pool2d(x[..., :1], (3, 2)),
        F.adaptive_avg_pool2d(x[..., :1, :], (2, 11)),
        F.adaptive_max_pool2d(x, (3, 4)),
        F.adaptive_max_pool2d(x, 1),
        F.adaptive_max_pool1d(x[:, :, 0], 5),
    ),
    "max_with_dilation": lambda x: F.max_pool2d(x, 3, 1, 1, dilation=2),
    "average_ceil_counting": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
}
RESIZING: Functions = {
    "nearest": lambda x: (
        F.interpolate(x, scale_factor=2),
        F.interpolate(x, size=(5, 20)),
        F.interpolate(x, size=(5, 20), mode="nearest-exact"),
        F.interpolate(x[:, :, 0], scale_factor=1.7),
    ),
    "bilinear": lambda x: (
        F.interpolate(x, size=(18, 5), mode="bilinear"),
        F.interpolate(x, size=(4, 7), mode="bilinear", align_corners=True),
        F.interpolate(x, size=(1, 1), mode="bilinear", align_corners=True),
        F.interpolate(x, scale_factor=1.5, mode="bilinear"),
        F.interpolate(x, scale_factor=1.5, mode="bilinear", recompute_scale_factor=True),
        F.interpolate(x, size=(4, 20), mode="bilinear", antialias=True),
    ),
    "bicubic": lambda x: (
        F.interpolate(x, size=(12, 7), mode="bicubic"),
        F.interpolate(x, size=(12, 7), mode="bicubic", align_corners=True),
        F.interpolate(x, size=(5, 7), mode="bicubic", antialias=True),
    ),
    "linear": lambda x: (
        F.interpolate(x[:, :, 0], size=7, mode="linear"),
        F.interpolate(x[:, :, None], size=(2, 5, 7), mode="trilinear"),
    ),
    "grid": lambda x: (
        F.grid_sample(x, torch.linspace(-1.2, 1.2, 48).reshape(2, 4, 3, 2), align_corners=False),
        F.grid_sample(
            x, torch.linspace(-1, 1, 48).reshape(2, 4, 3, 2), "nearest", "border", align_corners=True
        ),
        F.grid_sample(
            x, F.affine_grid(torch.eye(2, 3).expand(2, 2, 3) * 0.7, [2, 4, 5, 6], False), align_corners=False
        ),
    ),
    "fold": lambda x: (F.unfold(x, (2, 3)), F.unfold(x, 3, 2, 1, 2), F.fold(F.unfold(x, 3), (9, 11), 3)),
}


def _weight(*shape: int) -> Any:
    count = int(torch.Size(shape).numel())
    return (torch.sin(torch.arange(count) * 1.7) * 0.3).reshape(shape)


CONVOLUTIONS: Functions = {
    "plain": lambda x: (
        F.conv2d(x, _weight(6, 4, 3, 3), _weight(6)),
        F.conv2d(x, _weight(6, 4, 3, 2), stride=(2, 1), padding=(1, 0)),
        F.conv2d(x, _weight(6, 4, 3, 3), dilation=2, padding="same"),
        F.conv2d(x, _weight(6, 4, 2, 4), padding="same"),
        F.conv2d(x[0], _weight(6, 4, 1, 1)),
    ),
    "groups": lambda x: (
        F.conv2d(x, _weight(6, 2, 3, 3), groups=2),
        F.conv2d(x, _weight(8, 1, 3, 3), _weight(8), groups=4, padding=1),
        F.conv2d(x, _weight(4, 1, 3, 3), groups=4, stride=2),
    ),
    "other_ranks": lambda x: (
        F.conv1d(x[:, :, 0], _weight(6, 4, 3), _weight(6), padding=1, stride=2),
        F.conv3d(x[:, :, None].expand(-1, -1, 4, -1, -1), _weight(5, 4, 2, 3, 3), padding=(1, 0, 1)),
    ),
    "transposed": lambda x: (
        F.conv_transpose2d(x, _weight(4, 6, 3, 3), _weight(6), stride=2, padding=1, output_padding=1),
        F.conv_transpose2d(x, _weight(4, 3, 2, 2), groups=2, stride=2),
        F.conv_transpose2d(x, _weight(4, 3, 3, 3), dilation=2),
        F.conv_transpose1d(x[:, :, 0], _weight(4, 5, 4), stride=3, padding=1),
        F.conv_transpose2d(x, _weight(4, 3, 2, 3), _weight(3), output_padding=(2, 1), dilation=3),
        F.conv_transpose1d(x[:, :, 0], _weight(4, 5, 2), padding=1, output_padding=2, dilation=3),
    ),
}


class Family(torch.nn.Module):
    def __init__(self, functions: Functions) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, *x: Any) -> Any:
        return {name: function(*x) for name, function in self.functions.items()}


FAMILIES = {
    "attention": (ATTENTION, FLOAT),
    "bools": (BOOLS, BOOL),
    "convolutions": (CONVOLUTIONS, IMAGE),
    "indices": (INDICES, FLOAT),
    "integers": (INTEGERS, INTEGER),
    "normalizations": (NORMALIZATIONS, FLOAT),
    "pointwise": (POINTWISE, FLOAT),
    "pools": (POOLS, IMAGE),
    "products": (PRODUCTS, FLOAT),
    "reductions": (REDUCTIONS, FLOAT),
    "resizing": (RESIZING, IMAGE),
    "shapes": (SHAPES, FLOAT),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_family(name: str, tmp_path: Path) -> None:
    functions, inputs = FAMILIES[name]
    module = Family(functions).eval()
    # The proof of the export compares each output with torch's, and each layer with a session's.
    model = exported(module, inputs, tmp_path / "m.smr")
    expected = [t.numpy() for t in torch.utils._pytree.tree_leaves(module(*inputs))]
    found = model.context().run(*[t.numpy() for t in inputs])
    for (output, array), wanted in zip(found.items(), expected, strict=True):
        assert array.dtype == wanted.dtype, output
        close(array, wanted)


def test_functions_of_numbers_between_bounds() -> None:
    agrees(lambda x, y: (x.asin(), x.acos(), x.atanh(), torch.acosh(y), torch.logit(x)), POSITIVE)


def test_writing_into_parts(tmp_path: Path) -> None:
    exported(Written(), FLOAT, tmp_path / "m.smr")
