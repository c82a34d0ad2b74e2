/* main.c -- the command table and what surrounds every command.  Room: core/cli. */
#include "cli/cli.h"

#include "base/text.h"
#include "check/check.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "proc/child.h"
#include "run/client.h"
#include "run/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct command COMMANDS[] = {
    {"run", "CONFIG [options]", "score architectures as a config says, compare with accuracies",
     "tcet-host run conf/tcet_snip.ini --archs sample:100 --export scores.csv", cmd_run},
    {"search", "CONFIG [options]",
     "look for the best architecture by a strategy; go on by --resume",
     "tcet-host search conf/search/tss_tabular.ini", cmd_search},
    {"train", "CONFIG [options]",
     "train one architecture, or the best of a search; go on by --resume",
     "tcet-host train conf/train/quick.ini", cmd_train},
    {"evaluate", "FILE.safetensors CONFIG [options]",
     "measure an exported network on a config's test images",
     "tcet-host evaluate net.safetensors conf/train/quick.ini", cmd_evaluate},
    {"score", "CONFIG ARCH [options]", "score one architecture and print it",
     "tcet-host score conf/tcet_snip.ini 'index:1462'", cmd_score},
    {"show", "CONFIG [options] | [CONFIG] --graph ARCH -o FILE [options]",
     "print the resolved plan: metrics, merged passes, their reasons; or draw a network",
     "tcet-host show conf/tcet_snip.ini", cmd_show},
    {"list", "[KIND] [options]", "list plugins: saliency, aggregator, combiner, space, dataset ...",
     "tcet-host list saliency", cmd_list},
    {"info", "PLUGIN [options]", "describe a plugin: parameters, defaults, ranges, source",
     "tcet-host info snr", cmd_info},
    {"space", "NAME [options]",
     "a search space: its size, an example, tables; or its architectures",
     "tcet-host space nats_tss --arch index:1462", cmd_space},
    {"correlate", "FOLDER|SCORES... [options] | --table TABLE [options]",
     "Kendall, Spearman, Pearson of scores with accuracies",
     "tcet-host correlate out/tcet_snip --population live", cmd_correlate},
    {"discover", "FOLDER|SCORES [options]",
     "which combination of a run's metrics ranks best, measured on other networks",
     "tcet-host discover out/tcet_snip --column cifar10_test", cmd_discover},
    {"report", "FOLDER|TABLE... [options]",
     "a page (HTML) of figures and tables of runs, searches and trainings",
     "tcet-host report out/tcet_snip -o report.html", cmd_report},
    {"tables", "[TABLE] [options]", "list tables of trained accuracies, or the columns of one",
     "tcet-host tables nats_tss", cmd_tables},
    {"paper", "[NAME...] [options]",
     "list the configs of the paper's tables, or run a small sample of each",
     "tcet-host paper --sample 50", cmd_paper},
    {"import", "FORMAT FILE... OUT.tsv | --list",
     "make a table of a benchmark's official files, as they are downloaded",
     "tcet-host import nasbench101 nasbench_only108.tfrecord nb101.tsv", cmd_import},
    {"export", "FOLDER FILE [options]",
     "write a run's results (.csv, .jsonl) or a trained network (.safetensors, .pth, .onnx)",
     "tcet-host export out/tcet_snip scores.jsonl --layers", cmd_export},
    {"export-net", "CONFIG ARCH FILE.safetensors|.pth|.onnx [options]",
     "write a network (an encoding, index:N, best:FOLDER) with the weights that a run draws, for "
     "PyTorch or ONNX",
     "tcet-host export-net conf/tcet_snip.ini index:1462 net.pth", cmd_export_net},
    {"merge", "OUT IN... [options]",
     "make one folder of the folders of a run's or a search's shards",
     "tcet-host merge out/all out/tcet_snip/shard-*", cmd_merge},
    {"new", "KIND NAME [options]", "write a plugin's folder: source, CMakeLists.txt, config, test",
     "tcet-host new saliency my_proxy", cmd_new},
    {"check", "FILE.so [options]", "does a plugin keep the contract?  One rule after the other",
     "tcet-host check my_proxy/build/saliency_my_proxy.so", cmd_check},
    {"completion", "bash|zsh|man", "print a shell's completion script, or the manual page",
     "tcet-host completion zsh > ~/.zfunc/_tcet-host", cmd_completion},
    {"version", "", "print versions", "tcet-host version", cmd_version},
};
const size_t COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS;

const struct exit_meaning EXIT_MEANINGS[] = {
    {0, "success"},
    {EXIT_FAULT, "a fault of this program or machine: out of memory"},
    {EXIT_BAD, "bad input: command line, config, plugin, data, table, folder"},
    {EXIT_SOME_FAILED, "the run ended but some architectures failed, or an export is incomplete"},
    {EXIT_INTERRUPTED, "interrupted; what was computed is kept"},
};
const size_t EXIT_MEANING_COUNT = sizeof EXIT_MEANINGS / sizeof *EXIT_MEANINGS;

static void out_of_memory(size_t bytes)
{
    fprintf(stderr, "tcet-host: out of memory (%zu bytes)\n", bytes);
    _exit(EXIT_FAULT);
}

static void help(FILE *f)
{
    fputs("tcet-host: zero-cost proxies for neural architecture search, from plugins\n\n"
          "usage: tcet-host COMMAND ...\n\n",
          f);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(f, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n`tcet-host help COMMAND` explains one.  The main job:\n"
          "  tcet-host run conf/tcet_snip.ini\n",
          f);
}

static void say_foreign(const char *text)
{
    cli_log(NULL, TCET_LOG_INFO, text);
}

/* `tcet-host worker TRACE`: a re-executed worker; TRACE is a descriptor of a shared page. */
static int start_worker(int argc, char **argv)
{
    int fd = argc > 2 ? atoi(argv[2]) : -1;

    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *call_trace, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (page != MAP_FAILED)
            call_trace = page;
        close(fd);
    }
    return worker_main(CHILD_FD);
}

int cmd_version(const struct command *c, int argc, char **argv)
{
    size_t count;
    int code = cli_options(c, argc, argv, NULL, 0, NULL, 0, 0, &count);

    if (code >= 0)
        return code;
    printf("tcet-host %s\nplugin ABI %d.%d\nplugins %s\ndata %s\n", TCET_VERSION, TCET_ABI_MAJOR,
           TCET_ABI_MINOR, paths_plugins(), paths_data());
    return 0;
}

/* What a command printed and nobody got, on a full disk, say, is no success. */
static int printed(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (code == 0 || code == EXIT_SOME_FAILED)
        fputs("tcet-host: error: cannot write to standard output\n", stderr);
    return code ? code : EXIT_BAD;
}

int main(int argc, char **argv)
{
    const char *names[TCET_COUNT(COMMANDS)];
    char hint[128];

    mem_exhausted = out_of_memory;
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, with a message */
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        (!strcmp(argv[1], "help") && (argc == 2 || !strcmp(argv[2], "help")))) {
        help(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_BAD : printed(0);
    }
    if (!strcmp(argv[1], "worker"))
        return start_worker(argc, argv);
    if (!strcmp(argv[1], "scan-plugin"))
        return argc > 2 ? scan_main(argv[2]) : EXIT_BAD;
    if (!strcmp(argv[1], "check-child"))
        return check_child_main(argc, argv);
    if (!strcmp(argv[1], "--version"))
        argv[1] = "version";
    if (!strcmp(argv[1], "help")) { /* help COMMAND is COMMAND --help */
        argv[1] = argv[2];
        argv[2] = "--help";
        argc = 3;
    }
    registry_foreign = say_foreign;
    client_log = cli_log;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = COMMANDS[i].name;
        if (!strcmp(argv[1], COMMANDS[i].name))
            return printed(COMMANDS[i].main(&COMMANDS[i], argc, argv));
    }
    fprintf(stderr, "tcet-host: there is no command \"%s\"%s; `tcet-host --help` lists them\n",
            argv[1], text_suggest(hint, sizeof hint, argv[1], names, COMMAND_COUNT));
    return EXIT_BAD;
}
