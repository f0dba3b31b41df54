"""torch's GRU, computed faster where its own kernels are slow: on the CPU.

There `nn.GRU` records a dozen operations per time step for automatic differentiation, each with a
result that is kept. Here a bidirectional layer is one operation with a gradient of its own: both
directions side by side, what does not depend on the step before done for many steps at once, an
input that is the same at every step multiplied once, and its large buffers used again.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

IN_CACHE = 2**17  # numbers of a gate that are worked on together


class GRU(nn.GRU):
    """`torch.nn.GRU`, bidirectional and batch first: same parameters, numbers and gradients.

    On other devices than the CPU, and where a graph is recorded (ONNX, `torch.compile`), it is
    `nn.GRU` itself.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers=num_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout,
        )

    def forward(
        self,
        inputs: Float[Tensor, "batch time feature"],
        start: Float[Tensor, "way batch hidden"] | None = None,
    ) -> tuple[Float[Tensor, "batch time states"], Float[Tensor, "way batch hidden"]]:
        """States of the last layer at every step, and the last state of every layer and way."""
        if inputs.device.type != "cpu" or torch.jit.is_tracing() or torch.compiler.is_compiling():
            return super().forward(inputs, start)
        if torch.is_autocast_enabled("cpu"):  # single precision is what a CPU is fast in
            with torch.autocast("cpu", enabled=False):
                return self(inputs.float(), None if start is None else start.float())
        batch, steps, _ = inputs.shape
        if start is None:
            start = inputs.new_zeros(2 * self.num_layers, batch, self.hidden_size)
        expanded = inputs.stride(1) == 0
        states = (inputs[:, :1] if expanded else inputs).transpose(0, 1)
        lasts = []
        for layer, first in enumerate(start.split(2)):
            if layer:
                states = F.dropout(states, self.dropout, self.training)
            weights = (*self.all_weights[2 * layer], *self.all_weights[2 * layer + 1])
            forth, back, last = BidirectionalLayer.apply(steps, states, first, *weights)
            states = torch.cat([forth, back.flip(0)], dim=2)
            lasts.append(last)
        return states.transpose(0, 1), torch.cat(lasts)


class BidirectionalLayer(torch.autograd.Function):
    """One layer, in torch's form of the GRU (Cho et al. 2014, eq. 5 to 8):

    r = σ(W_ir x + b_ir + W_hr h + b_hr), u = σ(W_iu x + b_iu + W_hu h + b_hu),
    n = tanh(W_in x + b_in + r m) with m = W_hn h + b_hn, and then h' = (1 - u) n + u h.

    Buffers are (way, time, batch, …) with time in each way's own order. A step's gates lie side
    by side as m, r, u, n: the first three come from the state before, the last three from the
    input, so that either part is one matrix.
    """

    @staticmethod
    def forward(
        ctx: Any, steps: int, inputs: Tensor, first: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Parameters
        ----------
        inputs
            (time, batch, feature), or (1, batch, feature) if all steps have the same.
        first
            (way, batch, hidden)
        weights
            W_i, W_h, b_i and b_h with their rows as r, u, n, of either way.

        Returns
        -------
        The states (time, batch, hidden) of either way, and the last ones (way, batch, hidden).
        """
        n_inputs, batch, _ = inputs.shape
        hidden = first.shape[2]
        w_input, w_state, b_input, b_state = (
            torch.stack(pair) for pair in zip(weights[:4], weights[4:], strict=True)
        )
        w_state = w_state.roll(hidden, 1)  # m, r, u
        b_input[:, : 2 * hidden] += b_state[:, : 2 * hidden]
        b_m = b_state[:, None, 2 * hidden :]

        learns = any(ctx.needs_input_grad)
        gates = _take(inputs, 2, steps if learns else 1, batch, 4 * hidden)
        states = inputs.new_empty(2, steps + 1, batch, hidden)
        states[:, 0] = first
        if learns and n_inputs == steps:
            projected = gates.flatten(1, 2)[..., hidden:]
        else:
            projected = inputs.new_empty(2, n_inputs * batch, 3 * hidden)
        for way, ordered in enumerate((inputs, inputs.flip(0))):
            rows = ordered.flatten(0, 1)
            torch.addmm(b_input[way], rows, w_input[way].T, out=projected[way])
        projected = projected.unflatten(1, (n_inputs, batch))

        from_state = inputs.new_empty(2, batch, 3 * hidden)
        w_state_columns = w_state.transpose(1, 2).contiguous()
        for step in range(steps):
            m, _, u, n = (now := gates[:, step if learns else 0]).split(hidden, 2)
            r_and_u = now[..., hidden : 3 * hidden]
            from_input = projected[:, step if n_inputs == steps else 0]
            torch.bmm(states[:, step], w_state_columns, out=from_state)
            torch.add(from_state[..., :hidden], b_m, out=m)
            torch.add(from_state[..., hidden:], from_input[..., : 2 * hidden], out=r_and_u)
            r_and_u.sigmoid_()
            torch.addcmul(from_input[..., 2 * hidden :], r_and_u[..., :hidden], m, out=n).tanh_()
            torch.lerp(n, states[:, step], u, out=states[:, step + 1])
        if learns:
            ctx.save_for_backward(inputs, w_state, w_input)
            ctx.buffers = gates, states
        ctx.set_materialize_grads(False)
        return states[0, 1:], states[1, 1:], states[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_forth: Tensor | None, d_back: Tensor | None, d_last: Tensor | None
    ) -> tuple:
        """The gradient of the inputs, the first states and the weights."""
        inputs, w_state, w_input = ctx.saved_tensors
        if ctx.buffers is None:
            raise RuntimeError("a GRU layer's gradient can be taken once after each forward pass")
        gates, states = ctx.buffers
        ctx.buffers = None
        n_inputs, batch, _ = inputs.shape
        steps, hidden = gates.shape[1], states.shape[3]
        before = states[:, :-1]
        d_gates = _take(gates, *gates.shape)
        d_state = inputs.new_zeros(2, batch, hidden) if d_last is None else d_last.clone()
        one = inputs.new_ones(())
        block = max(1, IN_CACHE // (2 * batch * hidden))
        for stop in range(steps, 0, -block):
            part = slice(max(0, stop - block), stop)
            m, r, u, n = gates[:, part].split(hidden, 3)
            by_m, by_r, by_u, by_n = d_gates[:, part].split(hidden, 3)
            # First what the state's gradient is multiplied by, for all steps of the block:
            torch.addcmul(one, n, n, value=-1, out=by_n)  # (1 - n²) (1 - u)
            by_n.addcmul_(by_n, u, value=-1)
            torch.mul(by_n, r, out=by_m)
            torch.addcmul(by_m, by_m, r, value=-1, out=by_r).mul_(m)
            torch.sub(before[:, part], n, out=by_u).mul_(u)  # (h - n) u (1 - u)
            by_u.addcmul_(by_u, u, value=-1)
            # then the recursion.
            for step in reversed(range(part.start, part.stop)):
                if d_forth is not None:
                    d_state[0] += d_forth[step]
                if d_back is not None:
                    d_state[1] += d_back[step]
                d_step = d_gates[:, step]
                d_step.unflatten(2, (4, hidden)).mul_(d_state.unsqueeze(2))
                d_state.mul_(gates[:, step, :, 2 * hidden : 3 * hidden])
                d_state.baddbmm_(d_step[..., : 3 * hidden], w_state)

        rows = d_gates.flatten(1, 2)
        d_w_state = torch.bmm(rows[..., : 3 * hidden].transpose(1, 2), before.flatten(1, 2))
        sums = rows.sum(1)
        d_b_state, d_b_input = sums[:, : 3 * hidden].roll(-hidden, 1), sums[:, hidden:]
        each = n_inputs == steps
        d_input_rows = rows[..., hidden:] if each else d_gates[..., hidden:].sum(1)
        ways = (inputs, inputs.flip(0))
        d_w_input = [d_input_rows[way].T @ ways[way].flatten(0, 1) for way in range(2)]
        d_inputs = None
        if ctx.needs_input_grad[1]:
            forth, back = torch.bmm(d_input_rows, w_input).unflatten(1, (n_inputs, batch))
            d_inputs = forth + back.flip(0)
        _give_back(gates, d_gates)
        d_w_state = d_w_state.roll(-hidden, 1)
        d_weights = [
            gradient
            for way in range(2)
            for gradient in (d_w_input[way], d_w_state[way], d_b_input[way], d_b_state[way])
        ]
        return None, d_inputs, d_state, *d_weights


# Buffers of many megabytes, which the operating system would hand out page by page, each cleared
# first, at every step: a fifth of the time.
_buffers: dict[tuple, list[Tensor]] = {}


def _take(like: Tensor, *shape: int) -> Tensor:
    free = _buffers.get((like.dtype, shape))
    return free.pop() if free else like.new_empty(shape)


def _give_back(*buffers: Tensor) -> None:
    for buffer in buffers:
        _buffers.setdefault((buffer.dtype, tuple(buffer.shape)), []).append(buffer)
