"""Program to files: Verilog and ROM images."""
