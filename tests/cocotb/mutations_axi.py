"""Faults to put into emcc_axi_top, by the test that must see each; see mutations_groups."""

from mutations_groups import Fault

SEEN = (
    (
        "one_inference_a_start/gap=0.0",
        Fault(
            "a beat is dropped when TREADY falls",
            *("emcc_skid", "push || spare_valid_q", "spare_valid_q", "inference 0 has not come|inference 0: RTL"),
            before="spare_valid_q <= ",
        ),
    ),
    (
        "one_inference_a_start/gap=0.0",
        Fault(
            "a START is not used up",
            *("emcc_axi_run", "start_i || (armed_q && !begins)", "start_i || armed_q", "more comes|after two"),
        ),
    ),
    (
        "inferences_by_themselves/gap=0.0",
        Fault(
            "CYCLES counts one too many",
            *("emcc_axi_run", "run_i", "run_i || begins", "CYCLES of inference 0: RTL"),
            before=".step_i (",
        ),
    ),
    (
        "inferences_by_themselves/gap=0.0",
        Fault(
            "TOTAL does not count the first cycle",
            *("emcc_axi_run", "take_i || inside_q", "inside_q", "TOTAL of inference 0: RTL|TOTAL is"),
            before=".step_i (",
        ),
    ),
    (
        "inferences_by_themselves/gap=0.0",
        Fault(
            "no TLAST at the end of a turn",
            *("emcc_axis_pack", "end_i && have_q[0]", "1'b0", "TKEEP of turn 0 of inference 0: RTL"),
        ),
    ),
    (
        "inferences_by_themselves/gap=0.0",
        Fault(
            "IRQ_STATUS is not cleared",
            *("emcc_regs", "status_q & ~clears", "status_q", "IRQ_STATUS after clearing: RTL 1"),
        ),
    ),
    (
        "registers/gap=0.0",
        Fault(
            "a bit of the digest is another",
            *("emcc_regs", "emcc_regs_pkg::Digest2Value", "emcc_regs_pkg::Digest2Value ^ 32'h100", "DIGEST_2: RTL"),
        ),
    ),
    (
        "registers/gap=0.0",
        Fault(
            "an illegal address is no error",
            *("emcc_regs", "1'b1", "1'b0", "reading 0x14: RTL 0, reference 2"),
            before="default:                    rerror_o = ",
        ),
    ),
    (
        "byte_strobes",
        Fault("byte strobes do not count", *("emcc_regs", "we_i && wstrb_i[0]", "we_i", "IRQ_ENABLE: RTL")),
    ),
    (
        "soft_reset_with_a_beat_offered/beat=first/taken=before",
        Fault(
            "a soft reset takes an offered beat back",
            *("emcc_skid", "valid_q && !ready_i", "1'b0", "a beat did not stay|a beat out did not stay|m_axis_t"),
        ),
    ),
    (
        "soft_reset_with_a_beat_offered/beat=last/taken=later",
        Fault(
            "a beat from before a soft reset ends an inference",
            *("emcc_axi_top", "m_final && !stale_q", "m_final", "a last beat is taken that never was"),
        ),
    ),
)

FAULTS = tuple(fault for _, fault in SEEN)

OVERLAPPING = (
    Fault(
        "an input ends with an answer",
        *("emcc_axi_run", "!starts", "!give_last_i", "an answer ends that never began|TOTAL of inference"),
        before="take_i || (inside_q && ",
    ),
    Fault(
        "TOTAL counts from an input's first activation",
        *("emcc_axi_run", "give_last_i || (begins && !under_way)", "begins", "TOTAL of inference"),
    ),
    Fault(
        "CYCLES goes on from run to run",
        *("emcc_axi_run", "starts", "1'b0", "CYCLES of inference"),
        before=".clear_i(",
    ),
    Fault(
        "an answer is cut where the array wants an input",
        *("emcc_axi_top", "1'b0", "core_ready", "an item comes though none should|TKEEP of turn 0"),
        before=".end_i  (",
    ),
    Fault(
        "an input waits until the answer before has left",
        *(
            "emcc_axi_run",
            "auto_i || armed_q",
            "(auto_i || armed_q) && !under_way",
            "no input is taken beside|TOTAL of",
        ),
        before="assign open_o    = inside_q || ",
    ),
)
"""Of a design that takes the next input while one runs: all are seen by one test."""
