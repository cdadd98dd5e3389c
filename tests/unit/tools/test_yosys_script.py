"""The commands that Yosys is given."""

from emcc.tools.yosys import synthesis_script


def test_products_are_kept_on_ice40_alone() -> None:
    """Yosys 0.70 drops the product of operands of 8 bits there: see hw/rtl/emcc_acc.sv."""
    scripts = {
        family: synthesis_script(["a.sv"], "top", f"synth_{family} -dsp", netlist="n.json")
        for family in ("ice40", "ecp5", "gowin")
    }
    assert scripts["ice40"].startswith("read_verilog -sv -D EMCC_KEEP_PRODUCT a.sv; synth_ice40 -dsp -top top")
    assert all("EMCC_KEEP_PRODUCT" not in scripts[family] for family in ("ecp5", "gowin"))
