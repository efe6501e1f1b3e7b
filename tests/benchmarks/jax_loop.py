"""The same training in JAX: vmap over the members, a scan over an epoch's steps, compiled as one function.

As the trainer does, it has no target network for data in which every transition is terminal, and draws the epoch's
order on the host. bf16: the operands of the hidden layers' products are rounded, everything else is fp32.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from msgspec.structs import replace

from tests.benchmarks.common import arrays
from trainer.batches import epoch_order
from trainer.config import ADAM_BETAS, ADAM_EPS, NORM_EPS, TrainerConfig
from trainer.layout import initial_row, make_layout

Params = list[dict[str, Any]]


def initial(config: TrainerConfig, state_dim: int) -> Params:
    """A member's first parameters: those of the trainer, layer by layer, the head last."""
    layout = make_layout(config.hidden_dims, state_dim)
    views = {name: jnp.asarray(view) for name, view in layout.views(initial_row(layout, config.seed)).items()}
    names = [*map(str, range(len(config.hidden_dims))), "head"]
    kinds = ("weight", "bias", "gain", "shift")
    return [{kind: views[key] for kind in kinds if (key := f"{name}.{kind}") in views} for name in names]


def forward(params: Params, x: Any, narrow: bool) -> Any:
    """Q values [B, A] of states [B, D]."""
    for index, layer in enumerate(params):
        weight = layer["weight"]
        if narrow and 0 < index < len(params) - 1:
            x, weight = x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16)
        x = jnp.dot(x, weight, preferred_element_type=jnp.float32) + layer["bias"]
        if "gain" in layer:
            centred = x - x.mean(-1, keepdims=True)
            x = centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + NORM_EPS)
            x = jax.nn.relu(x * layer["gain"] + layer["shift"])
    return x


def loss(params: Params, states: Any, actions: Any, rewards: Any, alpha: float, narrow: bool) -> Any:
    """CQL(H) for terminal transitions, mean over the batch."""
    q = forward(params, states, narrow)
    logged = jnp.take_along_axis(q, actions[:, None], axis=1)[:, 0]
    size = jnp.abs(logged - rewards)
    td = jnp.where(size <= 1, 0.5 * size**2, size - 0.5).mean()
    return td + alpha * (jax.nn.logsumexp(q, axis=1) - logged).mean()


def train_epoch(carry: Any, order: Any, data: Any, config: TrainerConfig) -> tuple[Any, Any]:
    """One member's epoch: carry (params, first and second moments, step), order [S, B] -> carry, mean loss."""
    states, actions, rewards = data
    beta1, beta2 = ADAM_BETAS

    def step(carry: Any, rows: Any) -> tuple[Any, Any]:
        params, first, second, done = carry
        value, grads = jax.value_and_grad(loss)(
            params, states[rows], actions[rows], rewards[rows], config.alpha, config.precision == "bf16"
        )
        norm = jnp.sqrt(sum((grad**2).sum() for grad in jax.tree.leaves(grads)))
        scale = jnp.minimum(1.0, config.grad_clip / (norm + 1e-6))
        done = done + 1
        grads = jax.tree.map(lambda grad: grad * scale, grads)
        first = jax.tree.map(lambda m, grad: beta1 * m + (1 - beta1) * grad, first, grads)
        second = jax.tree.map(lambda v, grad: beta2 * v + (1 - beta2) * grad**2, second, grads)
        size = config.lr / (1 - beta1**done)
        correction = 1 / jnp.sqrt(1 - beta2**done)
        params = jax.tree.map(
            lambda p, m, v: p - size * m / (jnp.sqrt(v) * correction + ADAM_EPS), params, first, second
        )
        return (params, first, second, done), value

    carry, losses = jax.lax.scan(step, carry, order)
    return carry, losses.mean()


def prepare(config: TrainerConfig, members: int) -> Callable[[], object]:
    """One epoch of all members; returns their mean losses."""
    rows = arrays()
    data = tuple(jnp.asarray(part) for part in rows)
    start = [initial(replace(config, seed=config.seed + n), rows[0].shape[1]) for n in range(members)]
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *start)
    zeros = jax.tree.map(jnp.zeros_like, params)
    carry = (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.zeros(members))
    one = partial(train_epoch, data=data, config=config)
    run = jax.jit(jax.vmap(one), donate_argnums=0)
    steps, done = len(rows[1]) // config.batch_size, count()
    state = [carry]

    def epoch() -> Any:
        number = next(done)
        orders = [epoch_order(config.seed + n, number, len(rows[1])) for n in range(members)]
        batches = np.stack([order[: steps * config.batch_size].reshape(steps, -1) for order in orders])
        state[0], losses = run(state[0], jnp.asarray(batches))
        return np.asarray(losses)  # waits for them

    return epoch
