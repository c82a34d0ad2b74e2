/* cmd_report.c -- `tcet-host report FOLDER... -o FILE.html`: runs, searches and trainings as a page that
 * people look at.  Never loads the backend.  Room: core/cli. */
#include "cli/report_parts.h"

#include <stdio.h>

int cmd_report(const struct command *c, int argc, char **argv)
{
    struct report_page p = {.file = NULL};
    const struct option_spec specs[] = {
        {"-o", "FILE", "the page, one HTML file (default: report.html)", NULL, &p.file, NULL},
        {"--svg", "DIR", "each picture as a file too, in that folder", NULL, &p.svg, NULL},
        {"--png", "DIR", "each picture as PNG, by rsvg-convert (package librsvg2-bin)", NULL,
         &p.png, NULL},
        {"--pdf", "FILE", "all pictures as PDF, one a page, by the same", NULL, &p.pdf, NULL},
        {"--tables", "DIR", "each table as Markdown and LaTeX (booktabs), in that folder", NULL,
         &p.tables, NULL},
        {"--arch", "ENCODING", "whose layers are shown (default: the best by the main score)", NULL,
         &p.arch, NULL},
        {"--table", "TABLE", "of accuracies, instead of [benchmark]'s", NULL, &p.from.table, NULL},
        {"--column", "NAME", "accuracy column of the table", NULL, &p.from.column, NULL},
        {"--key", "NAME", "column of architectures (default: arch, else the first)", NULL,
         &p.from.key, NULL},
        {"--duplicates", "RULE",
         "rows of one architecture: error, mean, first (default of .json), auto", NULL,
         &p.from.duplicates, NULL},
        {"--population", "WHICH", "all, or live (no dead edge)", NULL, &p.from.population, NULL},
        {"--plugins", "DIR", "plugins of DIR may be opened (repeatable)", NULL, NULL,
         &p.from.plugins},
    };
    const char *paths[64];
    char said[512];
    struct error err = {.status = TCET_OK};
    size_t count;
    int code =
        cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 1, TCET_COUNT(paths), &count);

    if (code >= 0)
        return code;
    mem_reuse();
    p.file = p.file ? p.file : "report.html";
    if (report_page_write(&p, paths, count, &err) < 0)
        return cli_fail(&err);
    snprintf(said, sizeof said, "%.400s is written%s%s", p.file,
             p.svg || p.png || p.pdf ? ", and the pictures" : "",
             p.tables ? ", and the tables" : "");
    cli_log(NULL, TCET_LOG_INFO, said);
    return 0;
}
