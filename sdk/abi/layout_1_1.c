/* The layout of plugin ABI 1.1: a binary plugin built against it relies on every line.
 * Written by sdk/abi/make_layout.sh, checked by sdk/abi/check.sh.  Room: sdk. */
#include <stddef.h>
#include <tcet/tcet.h>

#define FIELD(type, field, offset, size)                                            \
    _Static_assert(offsetof(type, field) == (offset) &&                             \
                       sizeof(((type *)0)->field) == (size),                        \
                   #type "." #field " moved or changed its size")
#define VALUE(name, number) _Static_assert((name) == (number), #name " changed its value")

_Static_assert(sizeof(void *) == 8, "the plugin ABI is for 64-bit machines");
/* Frozen: rows stand in arrays. */
_Static_assert(sizeof(tcet_view) == 40, "tcet_view grew");
_Static_assert(sizeof(tcet_param) == 80, "tcet_param grew");

FIELD(tcet_aggregator_ops, struct_size, 0, 4);
FIELD(tcet_aggregator_ops, direction, 4, 4);
FIELD(tcet_aggregator_ops, reduce, 8, 8);
FIELD(tcet_aggregator_ops, finish, 16, 8);
FIELD(tcet_aggregator_ops, forms, 24, 4);
FIELD(tcet_aggregator_ops, reserved, 28, 4);

VALUE(TCET_SCOPE_PARAMETER, 1);
VALUE(TCET_SCOPE_LAYER, 2);
VALUE(TCET_SCOPE_NETWORK, 3);
VALUE(TCET_SCOPE_POPULATION, 4);

FIELD(tcet_metric, struct_size, 0, 4);
FIELD(tcet_metric, direction, 4, 4);
FIELD(tcet_metric, name, 8, 8);
FIELD(tcet_metric, value, 16, 8);
FIELD(tcet_metric, layers, 24, 8);
FIELD(tcet_metric, module, 32, 8);
FIELD(tcet_metric, order, 40, 8);
FIELD(tcet_metric, layer, 48, 8);
FIELD(tcet_metric, values, 56, 8);
FIELD(tcet_metric, activation, 64, 4);

FIELD(tcet_column, struct_size, 0, 4);
FIELD(tcet_column, direction, 4, 4);
FIELD(tcet_column, name, 8, 8);
FIELD(tcet_column, count, 16, 8);
FIELD(tcet_column, values, 24, 8);

FIELD(tcet_combiner_ops, struct_size, 0, 4);
FIELD(tcet_combiner_ops, scope, 4, 4);
FIELD(tcet_combiner_ops, direction, 8, 4);
FIELD(tcet_combiner_ops, min_metrics, 12, 4);
FIELD(tcet_combiner_ops, max_metrics, 16, 4);
FIELD(tcet_combiner_ops, score, 24, 8);
FIELD(tcet_combiner_ops, elements, 32, 8);
FIELD(tcet_combiner_ops, rank, 40, 8);

FIELD(tcet_data_request, struct_size, 0, 4);
FIELD(tcet_data_request, channels, 4, 4);
FIELD(tcet_data_request, height, 8, 4);
FIELD(tcet_data_request, width, 12, 4);
FIELD(tcet_data_request, classes, 16, 4);
FIELD(tcet_data_request, reserved, 20, 4);
FIELD(tcet_data_request, batch, 24, 8);
FIELD(tcet_data_request, batches, 32, 8);
FIELD(tcet_data_request, seed, 40, 8);

FIELD(tcet_data_info, struct_size, 0, 4);
FIELD(tcet_data_info, channels, 4, 4);
FIELD(tcet_data_info, height, 8, 4);
FIELD(tcet_data_info, width, 12, 4);
FIELD(tcet_data_info, classes, 16, 4);
FIELD(tcet_data_info, reserved, 20, 4);
FIELD(tcet_data_info, count, 24, 8);
FIELD(tcet_data_info, identity, 32, 256);
FIELD(tcet_data_info, description, 288, 256);

FIELD(tcet_dataset_ops, struct_size, 0, 4);
FIELD(tcet_dataset_ops, open, 8, 8);
FIELD(tcet_dataset_ops, info, 16, 8);
FIELD(tcet_dataset_ops, draw, 24, 8);

VALUE(TCET_OK, 0);
VALUE(TCET_E_ARG, -1);
VALUE(TCET_E_MEMORY, -2);
VALUE(TCET_E_UNSUPPORTED, -3);
VALUE(TCET_E_NUMERIC, -4);
VALUE(TCET_E_IO, -5);
VALUE(TCET_E_BACKEND, -6);
VALUE(TCET_E_CANCELLED, -7);
VALUE(TCET_E_PLUGIN, -8);
VALUE(TCET_SALIENCY, 1);
VALUE(TCET_AGGREGATOR, 2);
VALUE(TCET_COMBINER, 3);
VALUE(TCET_SPACE, 4);
VALUE(TCET_DATASET, 5);
VALUE(TCET_BACKEND, 6);
VALUE(TCET_STRATEGY, 7);
VALUE(TCET_F32, 0);
VALUE(TCET_F64, 1);
VALUE(TCET_I64, 2);
VALUE(TCET_U8, 3);
VALUE(TCET_U64, 4);
VALUE(TCET_CPU, 0);
VALUE(TCET_CUDA, 1);

FIELD(tcet_view, data, 0, 8);
FIELD(tcet_view, shape, 8, 8);
FIELD(tcet_view, stride, 16, 8);
FIELD(tcet_view, count, 24, 8);
FIELD(tcet_view, ndim, 32, 4);
FIELD(tcet_view, dtype, 36, 1);
FIELD(tcet_view, device, 37, 1);
FIELD(tcet_view, device_index, 38, 2);

VALUE(TCET_FORM_VECTOR, 0);
VALUE(TCET_FORM_ROWS, 1);
VALUE(TCET_FORM_KERNEL, 2);
VALUE(TCET_FORM_SCALAR, 3);
VALUE(TCET_FORM_CUSTOM, 4);
VALUE(TCET_LOG_DEBUG, 0);
VALUE(TCET_LOG_INFO, 1);
VALUE(TCET_LOG_WARN, 2);

FIELD(tcet_host, struct_size, 0, 4);
FIELD(tcet_host, abi_major, 4, 2);
FIELD(tcet_host, abi_minor, 6, 2);
FIELD(tcet_host, log, 8, 8);
FIELD(tcet_host, fail, 16, 8);
FIELD(tcet_host, scratch, 24, 8);
FIELD(tcet_host, guard, 32, 8);
FIELD(tcet_host, cancelled, 40, 8);
FIELD(tcet_host, data_dir, 48, 8);
FIELD(tcet_host, random, 56, 8);
FIELD(tcet_host, rng, 64, 8);
FIELD(tcet_host, rng_uniform, 72, 8);
FIELD(tcet_host, rng_normal, 80, 8);
FIELD(tcet_host, rng_randint, 88, 8);
FIELD(tcet_host, rng_permutation, 96, 8);
FIELD(tcet_host, logdet, 104, 8);
FIELD(tcet_host, eigvalsh, 112, 8);
FIELD(tcet_host, svdvals, 120, 8);
FIELD(tcet_host, cond, 128, 8);
FIELD(tcet_host, gemm, 136, 8);
FIELD(tcet_host, extension, 144, 8);

FIELD(tcet_ctx, host, 0, 8);

VALUE(TCET_P_F64, 1);
VALUE(TCET_P_I64, 2);
VALUE(TCET_P_BOOL, 3);
VALUE(TCET_P_TEXT, 4);
VALUE(TCET_P_CHOICE, 5);
VALUE(TCET_P_PATH, 6);

FIELD(tcet_param, name, 0, 8);
FIELD(tcet_param, initial, 8, 8);
FIELD(tcet_param, doc, 16, 8);
FIELD(tcet_param, choices, 24, 8);
FIELD(tcet_param, min, 32, 8);
FIELD(tcet_param, max, 40, 8);
FIELD(tcet_param, imin, 48, 8);
FIELD(tcet_param, imax, 56, 8);
FIELD(tcet_param, type, 64, 4);
FIELD(tcet_param, offset, 68, 4);
FIELD(tcet_param, size, 72, 4);
FIELD(tcet_param, reserved, 76, 4);

FIELD(tcet_plugin, struct_size, 0, 4);
FIELD(tcet_plugin, kind, 4, 4);
FIELD(tcet_plugin, id, 8, 8);
FIELD(tcet_plugin, version, 16, 8);
FIELD(tcet_plugin, summary, 24, 8);
FIELD(tcet_plugin, cite, 32, 8);
FIELD(tcet_plugin, instance_size, 40, 4);
FIELD(tcet_plugin, param_count, 44, 4);
FIELD(tcet_plugin, param_stride, 48, 4);
FIELD(tcet_plugin, flags, 52, 4);
FIELD(tcet_plugin, params, 56, 8);
FIELD(tcet_plugin, ops, 64, 8);
FIELD(tcet_plugin, init, 72, 8);
FIELD(tcet_plugin, fini, 80, 8);

FIELD(tcet_module, struct_size, 0, 4);
FIELD(tcet_module, abi_major, 4, 2);
FIELD(tcet_module, abi_minor, 6, 2);
FIELD(tcet_module, build_flags, 8, 4);
FIELD(tcet_module, plugin_count, 12, 4);
FIELD(tcet_module, plugins, 16, 8);

FIELD(tcet_pass, struct_size, 0, 4);
FIELD(tcet_pass, weights, 4, 4);
FIELD(tcet_pass, input, 8, 4);
FIELD(tcet_pass, norm, 12, 4);
FIELD(tcet_pass, loss, 16, 4);
FIELD(tcet_pass, gradient, 20, 4);
FIELD(tcet_pass, precision, 24, 4);
FIELD(tcet_pass, batches, 28, 4);
FIELD(tcet_pass, source, 32, 4);
FIELD(tcet_pass, samples, 36, 4);
FIELD(tcet_pass, hvp, 40, 4);
FIELD(tcet_pass, own_seed, 44, 4);
FIELD(tcet_pass, seed, 48, 8);
FIELD(tcet_pass, mixup, 56, 8);
FIELD(tcet_pass, temperature, 64, 8);
FIELD(tcet_pass, repeat, 72, 4);
FIELD(tcet_pass, network, 76, 4);

VALUE(TCET_WEIGHTS_DRAWN, 0);
VALUE(TCET_WEIGHTS_ABSOLUTE, 1);
VALUE(TCET_WEIGHTS_GAUSSIAN, 2);
VALUE(TCET_INPUT_BATCH, 0);
VALUE(TCET_INPUT_ONES, 1);
VALUE(TCET_INPUT_GAUSSIAN, 2);
VALUE(TCET_INPUT_MIXUP, 3);
VALUE(TCET_NETWORK_FULL, 0);
VALUE(TCET_NETWORK_THIN, 1);
VALUE(TCET_NORM_TRAIN, 0);
VALUE(TCET_NORM_EVAL, 1);
VALUE(TCET_NORM_REMOVED, 2);
VALUE(TCET_LOSS_NONE, 0);
VALUE(TCET_LOSS_CROSS_ENTROPY, 1);
VALUE(TCET_LOSS_SUM, 2);
VALUE(TCET_GRADIENT_NONE, 0);
VALUE(TCET_GRADIENT_BATCH, 1);
VALUE(TCET_GRADIENT_SAMPLE, 2);
VALUE(TCET_PRECISION_RUN, 0);
VALUE(TCET_PRECISION_F32, 1);
VALUE(TCET_PRECISION_F64, 2);
VALUE(TCET_SOURCE_LOADER, 0);
VALUE(TCET_SOURCE_PARTS, 1);
VALUE(TCET_SITE_WEIGHT, 1);
VALUE(TCET_SITE_ACTIVATION, 2);
VALUE(TCET_SITE_NORM, 4);
VALUE(TCET_SITE_INPUT, 8);
VALUE(TCET_SITE_FEATURES, 16);
VALUE(TCET_SITE_LOGITS, 32);
VALUE(TCET_SITES, 6);
VALUE(TCET_WANT_WEIGHT, 1);
VALUE(TCET_WANT_GRADIENT, 2);
VALUE(TCET_WANT_INPUT, 4);
VALUE(TCET_WANT_OUTPUT, 8);
VALUE(TCET_WANT_OUTPUT_GRADIENT, 16);
VALUE(TCET_WANT_AGREEMENT, 32);
VALUE(TCET_WANT_PATTERN, 64);
VALUE(TCET_WANT_HVP, 128);
VALUE(TCET_WANT_VARIANCE, 256);
VALUE(TCET_WANT_CHANNEL_PRODUCT, 512);
VALUE(TCET_WANT_BIAS, 1024);
VALUE(TCET_WANT_BIAS_GRADIENT, 2048);
VALUE(TCET_WANT_NORM_OUTPUT, 4096);
VALUE(TCET_MERGE_CONCAT, 0);
VALUE(TCET_MERGE_SUM, 1);
VALUE(TCET_LAYER_OTHER, 0);
VALUE(TCET_LAYER_CONV, 1);
VALUE(TCET_LAYER_LINEAR, 2);
VALUE(TCET_LAYER_NORM, 3);
VALUE(TCET_LAYER_ACTIVATION, 4);
VALUE(TCET_LAYER_INPUT, 5);
VALUE(TCET_LAYER_FEATURES, 6);
VALUE(TCET_LAYER_LOGITS, 7);

FIELD(tcet_request, struct_size, 0, 4);
FIELD(tcet_request, sites, 4, 4);
FIELD(tcet_request, wants, 8, 4);
FIELD(tcet_request, form, 12, 4);
FIELD(tcet_request, merge, 16, 4);
FIELD(tcet_request, pass, 24, 8);

FIELD(tcet_layer, struct_size, 0, 4);
FIELD(tcet_layer, kind, 4, 4);
FIELD(tcet_layer, site, 8, 4);
FIELD(tcet_layer, index, 12, 4);
FIELD(tcet_layer, order, 16, 4);
FIELD(tcet_layer, calls, 20, 4);
FIELD(tcet_layer, cell, 24, 4);
FIELD(tcet_layer, name, 32, 8);
FIELD(tcet_layer, params, 40, 8);
FIELD(tcet_layer, macs, 48, 8);
FIELD(tcet_layer, bias_macs, 56, 8);
FIELD(tcet_layer, rows, 64, 8);
FIELD(tcet_layer, batch, 72, 8);
FIELD(tcet_layer, units, 80, 8);
FIELD(tcet_layer, positive, 88, 8);
FIELD(tcet_layer, weight, 96, 40);
FIELD(tcet_layer, gradient, 136, 40);
FIELD(tcet_layer, input, 176, 40);
FIELD(tcet_layer, output, 216, 40);
FIELD(tcet_layer, output_gradient, 256, 40);
FIELD(tcet_layer, agreement, 296, 40);
FIELD(tcet_layer, pattern, 336, 40);
FIELD(tcet_layer, hvp, 376, 40);
FIELD(tcet_layer, variance, 416, 40);
FIELD(tcet_layer, channel_product, 456, 40);
FIELD(tcet_layer, labels, 496, 8);
FIELD(tcet_layer, bias, 504, 40);
FIELD(tcet_layer, bias_gradient, 544, 40);

FIELD(tcet_saliency_ops, struct_size, 0, 4);
FIELD(tcet_saliency_ops, direction, 4, 4);
FIELD(tcet_saliency_ops, describe, 8, 8);
FIELD(tcet_saliency_ops, layer, 16, 8);
FIELD(tcet_saliency_ops, shape, 24, 8);

VALUE(TCET_OP_INPUT, 1);
VALUE(TCET_OP_CONV2D, 2);
VALUE(TCET_OP_LINEAR, 3);
VALUE(TCET_OP_BATCH_NORM, 4);
VALUE(TCET_OP_RELU, 5);
VALUE(TCET_OP_AVG_POOL, 6);
VALUE(TCET_OP_MAX_POOL, 7);
VALUE(TCET_OP_GLOBAL_POOL, 8);
VALUE(TCET_OP_ADD, 9);
VALUE(TCET_OP_CONCAT, 10);
VALUE(TCET_OP_MUL, 11);
VALUE(TCET_OP_ZERO, 12);
VALUE(TCET_OP_IDENTITY, 13);
VALUE(TCET_OP_SLICE, 14);
VALUE(TCET_OP_PAD, 15);
VALUE(TCET_OP_SIGMOID, 16);
VALUE(TCET_OP_SWISH, 17);
VALUE(TCET_OP_HSWISH, 18);
VALUE(TCET_OP_RELU6, 19);
VALUE(TCET_OP_SCALE, 20);

FIELD(tcet_op, struct_size, 0, 4);
FIELD(tcet_op, op, 4, 4);
FIELD(tcet_op, module, 8, 4);
FIELD(tcet_op, input_count, 12, 4);
FIELD(tcet_op, inputs, 16, 8);
FIELD(tcet_op, channels, 24, 4);
FIELD(tcet_op, kernel_h, 28, 4);
FIELD(tcet_op, kernel_w, 32, 4);
FIELD(tcet_op, stride_h, 36, 4);
FIELD(tcet_op, stride_w, 40, 4);
FIELD(tcet_op, padding_h, 44, 4);
FIELD(tcet_op, padding_w, 48, 4);
FIELD(tcet_op, dilation_h, 52, 4);
FIELD(tcet_op, dilation_w, 56, 4);
FIELD(tcet_op, groups, 60, 4);
FIELD(tcet_op, bias, 64, 4);
FIELD(tcet_op, affine, 68, 4);
FIELD(tcet_op, track, 72, 4);
FIELD(tcet_op, count_include_pad, 76, 4);
FIELD(tcet_op, offset_c, 80, 4);
FIELD(tcet_op, offset_h, 84, 4);
FIELD(tcet_op, offset_w, 88, 4);
FIELD(tcet_op, eps, 96, 8);
FIELD(tcet_op, momentum, 104, 8);

VALUE(TCET_INIT_DEFAULT, 1);
VALUE(TCET_INIT_NORMAL, 2);
VALUE(TCET_INIT_UNIFORM, 3);
VALUE(TCET_INIT_FILL, 4);
VALUE(TCET_INIT_BIAS, 5);
VALUE(TCET_INIT_DISCARD, 6);

FIELD(tcet_task, struct_size, 0, 4);
FIELD(tcet_task, channels, 4, 4);
FIELD(tcet_task, height, 8, 4);
FIELD(tcet_task, width, 12, 4);
FIELD(tcet_task, classes, 16, 4);

FIELD(tcet_builder, struct_size, 0, 4);
FIELD(tcet_builder, module, 8, 8);
FIELD(tcet_builder, cell, 16, 8);
FIELD(tcet_builder, add, 24, 8);
FIELD(tcet_builder, output, 32, 8);
FIELD(tcet_builder, init, 40, 8);
FIELD(tcet_builder, shape, 48, 8);
FIELD(tcet_builder, status, 56, 8);

FIELD(tcet_traits, struct_size, 0, 4);
FIELD(tcet_traits, live, 4, 4);
FIELD(tcet_traits, alive, 8, 4);
FIELD(tcet_traits, depth, 12, 4);

FIELD(tcet_space_ops, struct_size, 0, 4);
FIELD(tcet_space_ops, size, 8, 8);
FIELD(tcet_space_ops, task, 16, 8);
FIELD(tcet_space_ops, at, 24, 8);
FIELD(tcet_space_ops, check, 32, 8);
FIELD(tcet_space_ops, canonical, 40, 8);
FIELD(tcet_space_ops, traits, 48, 8);
FIELD(tcet_space_ops, build, 56, 8);
FIELD(tcet_space_ops, random, 64, 8);
FIELD(tcet_space_ops, mutate, 72, 8);
FIELD(tcet_space_ops, crossover, 80, 8);
FIELD(tcet_space_ops, index_of, 88, 8);
FIELD(tcet_space_ops, build_thin, 96, 8);
