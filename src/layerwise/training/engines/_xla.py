"""What XLA is told before it compiles steps for a CPU."""

import os
from functools import cache

import jax

FOR_STEPS: dict[str, bool | int | str] = {
    "xla_cpu_multi_thread_eigen": False,
    "xla_cpu_experimental_ynn_fusion_type": "",
    "xla_backend_optimization_level": 1,
}
"""Products this small lose more to the hand-over, to threads or to a library, than
they win; and what LLVM does beyond its first level takes a quarter of the compilation
and speeds up no step. Jaxlib 0.10 gives large products to several threads all the same:
there the first of these makes no difference that could be measured."""

TILES = "--xla_backend_extra_options=xla_llvm_ir_gemm_tile_size=8:2:2*vectwidth"
"""How XLA unrolls a small product: its own tiles of 11 x 9 make half a megabyte of code
of each, which takes three times as long to compile and is slower. The sums are formed
in the same order, so that no number depends on it."""

TILES_KNOWN_IN = ((0, 7), (0, 11))
"""The releases of jaxlib, from and before, whose XLA reads tiles of this form: another
would end the process where it cannot read them."""


def _set_tiles() -> None:
    """Have XLA read `TILES` with its flags; what the user has set stands.

    XLA reads its flags once, when its first client is made, and takes this one from
    nowhere else. The environment, which child processes inherit, stays as it was.
    """
    earliest, first_unknown = TILES_KNOWN_IN
    given = os.environ.get("XLA_FLAGS")
    known = earliest <= jax.__version_info__[:2] < first_unknown
    if not known or "xla_backend_extra_options" in (given or ""):
        return
    os.environ["XLA_FLAGS"] = f"{given or ''} {TILES}".strip()
    try:
        jax.local_devices(backend="cpu")
    finally:
        if given is None:
            del os.environ["XLA_FLAGS"]
        else:
            os.environ["XLA_FLAGS"] = given


_set_tiles()


def _are_known(options: dict[str, bool | int | str]) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


@cache
def _known() -> dict[str, bool | int | str]:
    """Return those of `FOR_STEPS` that this release of XLA has: they come and go."""
    if _are_known(FOR_STEPS):
        return FOR_STEPS
    return {name: v for name, v in FOR_STEPS.items() if _are_known({name: v})}


def step_options(platform: str) -> dict[str, bool | int | str] | None:
    """Return the compiler's options for a program of steps; None for its own."""
    return _known() if platform == "cpu" else None
