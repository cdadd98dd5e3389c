"""Names that the format has a number for."""

VOCABULARY = """
codes codebook bias multiplier coarse fine weight kernel scale mean var ArgMax AveragePool BatchNormalization
Clip Concat Conv Flatten Gemm GlobalAveragePool LeakyRelu Linear LogSoftmax MaxPool QAveragePool QConv QLinear
QProduct QSum Relu Reshape Sigmoid Softmax Tanh Transpose Add Mul Sub MatMul act_w alpha axes axis beta
ceil_mode code_w count_include_pad dilations epsilon function group hi_bits high keepdims kernel_shape lo_bits
low pads perm select_last_index shape shift strides transB weight_frac weights z_frac
"""

WORDS = tuple(VOCABULARY.split())
"""Names of constants' roles, operators and attributes by number; any other is a text. Part of the format."""
