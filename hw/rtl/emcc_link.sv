// SPDX-License-Identifier: Apache-2.0
// The device's end of the link: frames of a serial line to the accelerator's streams and back (docs/board-link.md).
//
// A frame is kept in a memory until its CRC has been seen to hold, and is taken only where its number is the next one. What
// is answered with results stays in the same memory, so that a repeated question is answered again with the same bytes. The
// link listens or sends, never both: its host waits for an answer before it goes on. One CRC, a bit a cycle, serves both.
//
// The memory: 256 bytes of the frame under way, 224 of results, 32 that say what the board is.
`include "emcc_assert.svh"
`default_nettype none

module emcc_link #(
  parameter int ClkHz    = 25_000_000,
  parameter              InitFile = "rom/link.hex"
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  // Bytes of the line
  input  wire  [7:0]                    rx_data_i,
  input  wire                           rx_valid_i,
  output logic [7:0]                    tx_data_o,
  output logic                          tx_valid_o,
  input  wire                           tx_ready_i,
  // The accelerator
  output logic                          core_rst_no,
  output logic [emcc_cfg_pkg::ActW-1:0] m_axis_tdata,
  output logic                          m_axis_tvalid,
  input  wire                           m_axis_tready,
  input  wire  [emcc_cfg_pkg::ActW-1:0] s_axis_tdata,
  input  wire                           s_axis_tvalid,
  output logic                          s_axis_tready,
  input  wire                           run_i,
  // Where its weights come from a boot image, and their reset
  output logic                          boot_rst_no,
  output logic [7:0]                    boot_tdata,
  output logic                          boot_tvalid,
  input  wire                           boot_tready,
  input  wire                           boot_done_i,
  input  wire                           boot_error_i,
  // As in a reply's flags: open, and a frame came too early
  output logic                          open_o,
  output logic                          late_o,
  output logic                          sending_o
);
  localparam int Wide = emcc_cfg_pkg::ActW > 8 ? 1 : 0;  // Two bytes an activation
  localparam int HeadLast = emcc_link_pkg::ReplyHead - 1;
  localparam int FrameMin = emcc_link_pkg::Head + emcc_link_pkg::CrcBytes;
  localparam logic [4:0] NameEnd = 5'(emcc_link_pkg::ImageAt + emcc_link_pkg::WeightsBytes);

  `EMCC_REQUIRE(emcc_cfg_pkg::ActW == 8 || emcc_cfg_pkg::ActW == 16, "emcc_link: %0d bits are not %0d or 16",
      emcc_cfg_pkg::ActW, 8)

  // States from Flag on send.
  typedef enum logic [2:0] {Idle = 3'd0, Push = 3'd1, Pull = 3'd2, Flag = 3'd4, Load = 3'd5, Sum = 3'd6, Give = 3'd7}
      state_e;
  typedef enum logic [1:0] {Head, Body, Tail, Done} part_e;

  state_e      state_q;
  part_e       part_q;
  logic [7:0]  idx_q;    // Bytes of the frame so far; '1 where none has begun, or one is too long. Sending: of the part
  logic        esc_q;    // The byte before was an escape
  logic [7:0]  byte_q;   // What the CRC works on, and what is sent
  logic [3:0]  bits_q;   // That are still to come of it
  logic [31:0] crc_q;
  logic [2:0]  cmd_q;    // The frame's command, number, and first byte behind
  logic [7:0]  seq_q, arg_q;
  logic [7:0]  last_q;   // The number of the last frame that was taken
  logic        kept_q;   // That was a question for results, and they are in the memory
  logic        open_q;   // There was a reset since power came
  logic        late_q;   // A frame ended while the one before went to the accelerator
  logic [1:0]  kind_q;   // Of the reply
  logic [8:0]  ptr_q;    // Into the memory
  logic [7:0]  len_q;    // Where the payload ends
  logic        read_q;   // The byte at ptr_q has left the memory
  logic        have_q;   // It is in rdata_q
  logic        half_q;   // An activation's second byte is next
  logic        load_q;   // What is pushed is of a boot image
  logic [4:0]  image_q;  // Bytes of it so far, up to what its weights are
  logic        core_rst_q, boot_rst_q;
  logic [31:0] cycles_q;

  // The memory
  (* no_rw_check, ram_style = "block" *) logic [7:0] mem [0:emcc_link_pkg::MemBytes-1];
  logic [7:0]  mem_q, rdata_q;
  logic        we, rx_byte, pull_we, name_we, reading;
  logic [8:0]  waddr;
  logic [7:0]  wdata, rx_value, pulled;

  initial $readmemh(InitFile, mem, emcc_link_pkg::InfoAt, emcc_link_pkg::MemBytes - 1);

  always_ff @(posedge clk_i) begin
    if (we) mem[waddr] <= wdata;
    mem_q   <= mem[ptr_q];
    rdata_q <= mem_q;  // A block RAM's own register: what it gives without is late in the cycle
  end

  assign we = rx_byte || pull_we || name_we;

  always_comb begin
    waddr = ptr_q;
    wdata = pulled;
    if (name_we) begin
      waddr = 9'(emcc_link_pkg::WeightsAt - emcc_link_pkg::ImageAt) + 9'(image_q);
      wdata = rdata_q;
    end
    if (rx_byte) begin
      waddr = {1'b0, idx_q};
      wdata = rx_value;
    end
  end

  // What comes in
  logic sending, rx_flag, rx_esc, frame, is_next, is_last, is_reset, taken, write_taken, read_taken, load_taken;

  assign sending  = state_q[2];
  assign rx_flag  = rx_valid_i && !sending && rx_data_i == emcc_link_pkg::FlagByte;
  assign rx_esc   = rx_valid_i && !sending && rx_data_i == emcc_link_pkg::EscapeByte;
  assign rx_byte  = rx_valid_i && !sending && !rx_flag && !rx_esc;
  assign rx_value = rx_data_i ^ (esc_q ? emcc_link_pkg::EscapeFlip : 8'h00);
  assign frame    = rx_flag && idx_q >= 8'(FrameMin) && idx_q != '1 && crc_q == emcc_link_pkg::CrcResidue;
  assign is_next  = seq_q == 8'(last_q + 1'b1);
  assign is_last  = seq_q == last_q;
  assign taken    = open_q && !late_q && is_next;

  assign is_reset = cmd_q == emcc_link_pkg::CmdReset || cmd_q == emcc_link_pkg::CmdClear;

  assign write_taken = taken && m_axis_tready;
  assign load_taken  = emcc_link_pkg::HasBoot && taken && !boot_done_i && !boot_error_i;
  assign read_taken  = taken && s_axis_tvalid && arg_q[7:5] != '1;

  // To the accelerator and from it
  logic push_end, push_take, push_word, pull_end, pull_take, more;

  assign push_end      = ptr_q[7:0] == len_q;
  assign push_word     = state_q == Push && have_q && !push_end && !load_q;
  assign push_take     = (push_word && ((Wide == 1 && !half_q) || m_axis_tready)) || (boot_tvalid && boot_tready);
  assign m_axis_tvalid = push_word && (Wide == 0 || half_q);
  assign pull_end      = ptr_q[7:0] == len_q;
  assign pull_take     = state_q == Pull && !pull_end && !rx_byte;
  assign pull_we       = pull_take && s_axis_tvalid;
  assign s_axis_tready = pull_take && (Wide == 0 || half_q);
  assign reading       = (state_q == Push && !push_take) || (state_q == Load && !have_q);

  if (Wide == 1) begin : gen_wide
    logic [7:0] low_q;
    always_ff @(posedge clk_i) if (!half_q) low_q <= rdata_q;
    assign m_axis_tdata = {rdata_q, low_q};
    assign pulled       = half_q ? s_axis_tdata[15:8] : s_axis_tdata[7:0];
  end else begin : gen_narrow
    assign m_axis_tdata = rdata_q;
    assign pulled       = s_axis_tdata;
  end

  // To the memories of weights. What an image says of them is kept with what the board is.
  if (emcc_link_pkg::HasBoot) begin : gen_boot
    assign boot_tvalid = state_q == Push && have_q && !push_end && load_q && !rx_byte;
    assign name_we     = boot_tvalid && boot_tready && image_q >= 5'(emcc_link_pkg::ImageAt) && image_q != NameEnd;

    always_ff @(posedge clk_i) begin
      if (!boot_rst_no) image_q <= '0;
      else if (boot_tvalid && boot_tready && image_q != NameEnd) image_q <= image_q + 1'b1;
    end
  end else begin : gen_no_boot
    logic unused;
    assign unused      = boot_tready || boot_done_i || boot_error_i;
    assign boot_tvalid = 1'b0;
    assign name_we     = 1'b0;
    assign image_q     = '0;
  end

  assign boot_tdata = rdata_q;

  // What goes out
  logic [63:0] heads;
  logic [7:0]  head, flags;
  logic [31:0] value;
  logic        is_info, special, given, feedback;

  assign is_info  = kind_q == emcc_link_pkg::ReplyInfo;
  assign value    = is_info ? ClkHz : cycles_q;
  assign special  = byte_q == emcc_link_pkg::FlagByte || byte_q == emcc_link_pkg::EscapeByte;
  assign given    = state_q == Give && tx_ready_i && (esc_q || !special);
  assign feedback = part_q != Tail && (crc_q[0] ^ byte_q[0]);
  assign more     = is_info || (kind_q == emcc_link_pkg::ReplyData && len_q != '0);

  // In the order of docs/board-link.md, the first byte lowest
  assign flags = {1'b0, emcc_link_pkg::HasBoot && boot_error_i, emcc_link_pkg::HasBoot && !boot_done_i, late_q, run_i,
      s_axis_tvalid, m_axis_tready, open_q};
  assign heads = {value, emcc_link_pkg::Version, flags, last_q, 6'b100000, kind_q};
  assign head  = heads[8*idx_q[2:0] +: 8];

  assign tx_valid_o = state_q == Flag || state_q == Give;

  always_comb begin
    if (state_q == Flag) tx_data_o = emcc_link_pkg::FlagByte;
    else if (!special)   tx_data_o = byte_q;
    else if (!esc_q)     tx_data_o = emcc_link_pkg::EscapeByte;
    else                 tx_data_o = byte_q ^ emcc_link_pkg::EscapeFlip;
  end

  // States
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q    <= Idle;
      part_q     <= Head;
      last_q     <= '0;
      kept_q     <= 1'b0;
      open_q     <= 1'b0;
      late_q     <= 1'b0;
      load_q     <= 1'b0;
      core_rst_q <= 1'b1;
      boot_rst_q <= 1'b1;
    end else begin
      case (state_q)
        Push: if (push_end) state_q <= Idle;
        Pull: if (pull_end) state_q <= Flag;
        Flag: begin
          if (tx_ready_i) state_q <= part_q == Done ? Idle : Load;
          if (tx_ready_i && part_q == Done) part_q <= Head;
        end
        Load: if (have_q) state_q <= Sum;
        Sum:  if (bits_q == '0) state_q <= Give;
        Give: begin
          core_rst_q <= 1'b0;
          boot_rst_q <= 1'b0;
          if (given) begin
            state_q <= Load;
            case (part_q)
              Head: if (idx_q == 8'(HeadLast)) part_q <= more ? Body : Tail;
              Body: if (8'(ptr_q + 1'b1) == (is_info ? 8'd0 : len_q)) part_q <= Tail;
              default: begin
                if (idx_q == 8'(emcc_link_pkg::CrcBytes - 1)) begin
                  part_q  <= Done;
                  state_q <= Flag;
                end
              end
            endcase
          end
        end
        default: begin
          core_rst_q <= 1'b0;
          boot_rst_q <= 1'b0;
        end
      endcase
      if (rx_flag && idx_q != '0 && state_q == Push) late_q <= 1'b1;
      if (frame && is_reset) begin
        last_q     <= seq_q;
        open_q     <= 1'b1;
        late_q     <= 1'b0;
        kept_q     <= 1'b0;
        core_rst_q <= 1'b1;
        boot_rst_q <= cmd_q == emcc_link_pkg::CmdClear;
        state_q    <= Flag;
      end else if (frame && state_q == Idle) begin
        case (cmd_q)
          emcc_link_pkg::CmdWrite: begin
            if (write_taken) begin
              last_q  <= seq_q;
              kept_q  <= 1'b0;
              load_q  <= 1'b0;
              state_q <= Push;
            end
          end
          emcc_link_pkg::CmdLoad: begin
            if (load_taken) begin
              last_q  <= seq_q;
              kept_q  <= 1'b0;
              load_q  <= 1'b1;
              state_q <= Push;
            end
          end
          emcc_link_pkg::CmdRead: begin
            state_q <= Flag;
            if (read_taken) begin
              last_q  <= seq_q;
              kept_q  <= 1'b1;
              state_q <= Pull;
            end
          end
          default: state_q <= Flag;
        endcase
      end
    end
  end

  // Data
  always_ff @(posedge clk_i) begin
    // The CRC, a bit a cycle; the byte turns round and is as it was.
    if (bits_q != '0) begin
      bits_q <= bits_q - 1'b1;
      byte_q <= {byte_q[0], byte_q[7:1]};
      crc_q  <= {1'b0, crc_q[31:1]} ^ (feedback ? emcc_link_pkg::CrcPoly : 32'd0);
    end
    read_q <= reading;
    have_q <= reading && read_q;
    case (state_q)
      Push: begin
        if (push_take) begin
          ptr_q  <= ptr_q + 1'b1;
          half_q <= !half_q;
        end
      end
      Pull: begin
        kind_q <= emcc_link_pkg::ReplyData;
        if (pull_we) begin
          ptr_q  <= ptr_q + 1'b1;
          half_q <= !half_q;
        end
      end
      Flag: begin
        crc_q <= '1;
        ptr_q <= is_info ? 9'(emcc_link_pkg::InfoAt) : 9'(emcc_link_pkg::ResultAt);
        esc_q <= 1'b0;
        idx_q <= part_q == Done ? '1 : '0;
      end
      Load: begin
        if (have_q) bits_q <= 4'd8;
        case (part_q)
          Head:    byte_q <= head;
          Body:    byte_q <= rdata_q;
          default: byte_q <= ~crc_q[7:0];
        endcase
      end
      Sum: ;
      Give: begin
        if (tx_ready_i) esc_q <= special && !esc_q;
        if (given) begin
          if (part_q == Body) ptr_q <= ptr_q + 1'b1;
          idx_q <= part_q == Body || (part_q == Head && idx_q == 8'(HeadLast)) ? '0 : idx_q + 1'b1;
        end
      end
      default: half_q <= 1'b0;
    endcase
    if (rx_byte) begin
      byte_q <= rx_value;
      bits_q <= 4'd8;
      esc_q  <= 1'b0;
      if (idx_q != '1) idx_q <= idx_q + 1'b1;
      if (idx_q == 8'd0) cmd_q <= rx_value[2:0];
      if (idx_q == 8'd1) seq_q <= rx_value;
      if (idx_q == 8'd2) arg_q <= rx_value;
    end
    if (rx_esc) esc_q <= 1'b1;
    if (rx_flag) begin
      crc_q <= '1;
      esc_q <= 1'b0;
      idx_q <= '0;
    end
    if (frame && (state_q == Idle || is_reset)) begin
      case (cmd_q)
        emcc_link_pkg::CmdWrite, emcc_link_pkg::CmdLoad: begin
          ptr_q <= 9'(emcc_link_pkg::Head);
          if (write_taken || load_taken) len_q <= idx_q - 8'(emcc_link_pkg::CrcBytes);
        end
        emcc_link_pkg::CmdRead: begin
          ptr_q  <= 9'(emcc_link_pkg::ResultAt);
          kind_q <= emcc_link_pkg::ReplyState;
          if (kept_q && is_last) kind_q <= emcc_link_pkg::ReplyData;
          else if (read_taken) len_q <= arg_q;
        end
        emcc_link_pkg::CmdReset, emcc_link_pkg::CmdClear, emcc_link_pkg::CmdInfo: kind_q <= emcc_link_pkg::ReplyInfo;
        default: kind_q <= emcc_link_pkg::ReplyState;
      endcase
    end
    if (!rst_ni) idx_q <= '1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) cycles_q <= '0;
    else if (run_i) cycles_q <= cycles_q + 1'b1;
  end

  assign core_rst_no = rst_ni && !core_rst_q;
  assign boot_rst_no = rst_ni && !boot_rst_q;
  assign open_o      = open_q;
  assign late_o      = late_q;
  assign sending_o   = sending;

  `EMCC_STABLE(gen_stable, tx_valid_o && !tx_ready_i, ({tx_valid_o, tx_data_o}), "a byte did not stay")
  `EMCC_ASSERT(!we || name_we || waddr < 9'(emcc_link_pkg::InfoAt), "what the board is was written over")
  `EMCC_ASSERT(!rx_valid_i || bits_q == '0 || sending, "bytes come faster than their CRC is made")
endmodule

`default_nettype wire
