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

IN_CACHE = 2**15  # numbers of a gate that are differentiated together


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
            states, last = BidirectionalLayer.apply(steps, states, first, *weights)
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
    ) -> tuple[Tensor, Tensor]:
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
        The states (time, batch, way × hidden), and the last ones (way, batch, hidden).
        """
        n_inputs, batch, _ = inputs.shape
        hidden = first.shape[2]
        w_input, w_state, b_input, b_state = (
            torch.stack(pair) for pair in zip(weights[:4], weights[4:], strict=True)
        )
        w_state = w_state.roll(hidden, 1)  # m, r, u
        b_input[:, : 2 * hidden] += b_state[:, : 2 * hidden]

        learns = any(ctx.needs_input_grad)
        gates = _take(inputs, 2, steps if learns else 1, batch, 4 * hidden)
        states = _take(inputs, 2, steps + 1, batch, hidden)
        states[:, 0] = first
        in_place = learns and n_inputs == steps
        from_input = gates if in_place else inputs.new_empty(2, n_inputs, batch, 4 * hidden)
        from_input[..., :hidden] = b_state[:, None, None, 2 * hidden :]
        for way, ordered in enumerate((inputs, inputs.flip(0))):
            out = from_input[way].flatten(0, 1)[:, hidden:]
            torch.addmm(b_input[way], ordered.flatten(0, 1), w_input[way].T, out=out)

        def at_steps(part: Tensor) -> tuple[Tensor, ...]:
            return part.expand(-1, steps, -1, -1).unbind(1)

        m_r_and_u = at_steps(gates[..., : 3 * hidden])
        r_and_u = at_steps(gates[..., hidden : 3 * hidden])
        m, r, u, n = map(at_steps, gates.split(hidden, 3))
        m_r_and_u_from_input, n_from_input = m_r_and_u, n
        if not in_place:
            m_r_and_u_from_input = at_steps(from_input[..., : 3 * hidden])
            n_from_input = at_steps(from_input[..., 3 * hidden :])
        at = states.unbind(1)
        w_state_columns = w_state.transpose(1, 2).contiguous()
        from_state = inputs.new_empty(2, batch, 3 * hidden)
        for step in range(steps):
            torch.bmm(at[step], w_state_columns, out=from_state)
            torch.add(m_r_and_u_from_input[step], from_state, out=m_r_and_u[step])
            r_and_u[step].sigmoid_()
            torch.addcmul(n_from_input[step], r[step], m[step], out=n[step]).tanh_()
            torch.lerp(n[step], at[step], u[step], out=at[step + 1])
        outputs = inputs.new_empty(steps, batch, 2 * hidden)
        outputs[..., :hidden] = states[0, 1:]
        _copy_reversed(states[1, 1:], outputs[..., hidden:])
        last = states[:, -1].clone()
        ctx.set_materialize_grads(False)
        if learns:
            ctx.save_for_backward(inputs, w_state, w_input)
            ctx.buffers = gates, states
        else:
            _give_back(gates, states)
        return outputs, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor | None, d_last: Tensor | None) -> tuple:
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
        d_state = inputs.new_zeros(2, batch, hidden)
        if d_last is not None:
            d_state += d_last
        from_outputs = _take(inputs, 2, steps, batch, hidden)
        if d_states is not None:
            from_outputs[0] = d_states[..., :hidden]
            _copy_reversed(d_states[..., hidden:], from_outputs[1])
            d_state += from_outputs[:, -1]
        added = from_outputs.unbind(1)
        sums = inputs.new_zeros(2, 4 * hidden)
        us = gates[..., 2 * hidden : 3 * hidden].unbind(1)
        d_at = d_gates.unflatten(3, (4, hidden)).unbind(1)
        d_from_state = d_gates[..., : 3 * hidden].unbind(1)
        d_state_beside = d_state.unsqueeze(2)
        block = max(1, IN_CACHE // (2 * batch * hidden))
        for stop in range(steps, 0, -block):
            part = slice(max(0, stop - block), stop)
            _differentiate(gates[:, part], before[:, part], d_gates[:, part])
            for step in reversed(range(part.start, part.stop)):
                d_at[step].mul_(d_state_beside)
                if d_states is None or step == 0:
                    d_state.mul_(us[step])
                else:
                    torch.addcmul(added[step - 1], d_state, us[step], out=d_state)
                d_state.baddbmm_(d_from_state[step], w_state)
            sums += d_gates[:, part].sum((1, 2))

        rows = d_gates.flatten(1, 2)
        d_w_state = torch.bmm(rows[..., : 3 * hidden].transpose(1, 2), before.flatten(1, 2))
        d_b_state, d_b_input = sums[:, : 3 * hidden].roll(-hidden, 1), sums[:, hidden:]
        each = n_inputs == steps
        d_input_rows = rows[..., hidden:] if each else d_gates[..., hidden:].sum(1)
        ways = (inputs, inputs.flip(0))
        d_w_input = [d_input_rows[way].T @ ways[way].flatten(0, 1) for way in range(2)]
        d_inputs = None
        if ctx.needs_input_grad[1]:
            forth, back = torch.bmm(d_input_rows, w_input).unflatten(1, (n_inputs, batch))
            d_inputs = forth + back.flip(0)
        _give_back(gates, states, d_gates, from_outputs)
        d_w_state = d_w_state.roll(-hidden, 1)
        d_weights = [
            gradient
            for way in range(2)
            for gradient in (d_w_input[way], d_w_state[way], d_b_input[way], d_b_state[way])
        ]
        return None, d_inputs, d_state, *d_weights


def _copy_reversed(source: Tensor, target: Tensor) -> None:
    """Copy with the steps in the other order; `flip` would make a copy of its own first."""
    for step, part in enumerate(target.unbind(0), 1):
        part.copy_(source[-step])


def _differentiate(gates: Tensor, before: Tensor, out: Tensor) -> None:
    """What the gradient of h' is multiplied by for that of each gate's sum: into `out`."""
    m, r, u, n = gates.chunk(4, 3)
    by_m, by_r, by_u, by_n = out.chunk(4, 3)
    torch.addcmul(n.new_ones(()), n, n, value=-1, out=by_n)
    by_n.addcmul_(by_n, u, value=-1)  # (1 - n²) (1 - u)
    torch.mul(by_n, r, out=by_m)
    torch.addcmul(by_m, by_m, r, value=-1, out=by_r).mul_(m)
    torch.sub(before, n, out=by_u).mul_(u)
    by_u.addcmul_(by_u, u, value=-1)  # (h - n) u (1 - u)


# Buffers of many megabytes, which the operating system would hand out page by page, each cleared
# first, at every step: a fifth of the time.
_buffers: dict[tuple, list[Tensor]] = {}


def _take(like: Tensor, *shape: int) -> Tensor:
    free = _buffers.get((like.dtype, shape))
    return free.pop() if free else like.new_empty(shape)


def _give_back(*buffers: Tensor) -> None:
    for buffer in buffers:
        _buffers.setdefault((buffer.dtype, tuple(buffer.shape)), []).append(buffer)
