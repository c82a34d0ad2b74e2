/* cmd_completion.c -- `tcet-host completion bash|zsh|man`: what the tables of commands and options
 * say, for shells to complete and man to show.  Room: core/cli. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What is written of each command. */
typedef void write_command(struct buf *out, const struct command *c,
                           const struct option_spec *specs, size_t count);

struct writer {
    struct buf *out;
    write_command *write;
};

static void see(void *arg, const struct command *c, const struct option_spec *specs, size_t count)
{
    struct writer *w = arg;

    w->write(w->out, c, specs, count);
}

static void all_commands(struct buf *out, write_command *write)
{
    struct writer w = {out, write};

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        cli_visit(&COMMANDS[i], see, &w);
}

/* Text with a \ before each of the special characters, and ' as '\'' where it stands in quotes. */
static void escaped(struct buf *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'' && strchr(special, '\'')) {
            buf_puts(out, "'\\''");
            continue;
        }
        if (strchr(special, *text))
            buf_puts(out, "\\");
        buf_add(out, text, 1);
    }
}

/* Commands whose argument is a name, and the command that lists them; of others it is a file. */
static const struct {
    const char *command, *lists;
} NAMED[] = {
    {"info", "list --names"},
    {"space", "list spaces --names"},
    {"tables", "tables --names"},
};

static const char *lists_of(const struct command *c)
{
    for (size_t i = 0; i < TCET_COUNT(NAMED); i++) {
        if (!strcmp(NAMED[i].command, c->name))
            return NAMED[i].lists;
    }
    return NULL;
}

/* -- bash ------------------------------------------------------------------------------- */

static void bash_command(struct buf *out, const struct command *c, const struct option_spec *specs,
                         size_t count)
{
    buf_printf(out, "    %s)\n        options='", c->name);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s ", specs[i].name);
    buf_puts(out, "--help'\n        valued=' ");
    for (size_t i = 0; i < count; i++) {
        if (specs[i].value)
            buf_printf(out, "%s ", specs[i].name);
    }
    buf_puts(out, "'");
    if (lists_of(c))
        buf_printf(out, "\n        lists='%s'", lists_of(c));
    buf_puts(out, " ;;\n");
}

static void bash(struct buf *out)
{
    buf_puts(out, "# Completion of tcet-host for bash; made by `tcet-host completion bash`.\n"
                  "_tcet_host()\n"
                  "{\n"
                  "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local options= valued= lists=\n"
                  "    COMPREPLY=()\n"
                  "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                  "        COMPREPLY=($(compgen -W 'help");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(out, " %s", COMMANDS[i].name);
    buf_puts(out, "' -- \"$word\"))\n"
                  "        return\n"
                  "    fi\n"
                  "    case ${COMP_WORDS[1]} in\n");
    all_commands(out, bash_command);
    buf_puts(out, "    help)\n        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(out, "%s ", COMMANDS[i].name);
    buf_puts(out,
             "' -- \"$word\"))\n"
             "        return ;;\n"
             "    esac\n"
             "    if [[ $word == -* && $valued != *\" $before \"* ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
             "    elif [[ $before == --proxy ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" list proxies --names \\\n"
             "            2>/dev/null)\" -- \"$word\"))\n"
             "    elif [[ -n $lists && $valued != *\" $before \"* ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" $lists \\\n"
             "            2>/dev/null)\" -- \"$word\"))\n"
             "    else\n"
             "        compopt -o filenames 2>/dev/null\n"
             "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
             "    fi\n"
             "}\n"
             "complete -F _tcet_host tcet-host\n");
}

/* -- zsh -------------------------------------------------------------------------------- */

static void zsh_command(struct buf *out, const struct command *c, const struct option_spec *specs,
                        size_t count)
{
    buf_printf(out, "    %s)\n        _arguments \\\n", c->name);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "            '%s%s[", specs[i].list ? "*" : "", specs[i].name);
        escaped(out, specs[i].doc, "[]:\\'");
        buf_puts(out, "]");
        if (specs[i].value) {
            buf_puts(out, ":");
            escaped(out, specs[i].value, "[]:\\'");
            buf_puts(out, ":_files");
        }
        buf_puts(out, "' \\\n");
    }
    buf_puts(out, "            '--help[explain the command]' ");
    if (lists_of(c))
        buf_printf(out, "\"*:name:($(tcet-host %s 2>/dev/null))\" ;;\n", lists_of(c));
    else
        buf_puts(out, "'*:file:_files' ;;\n");
}

static void zsh(struct buf *out)
{
    buf_puts(out, "#compdef tcet-host\n"
                  "# Made by `tcet-host completion zsh`.\n"
                  "local -a commands\n"
                  "commands=(\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(out, "    '%s:", COMMANDS[i].name);
        escaped(out, COMMANDS[i].summary, ":\\'");
        buf_puts(out, "'\n");
    }
    buf_puts(out, ")\n"
                  "if (( CURRENT == 2 )); then\n"
                  "    _describe command commands\n"
                  "    return\n"
                  "fi\n"
                  "shift words\n"
                  "(( CURRENT-- ))\n"
                  "case $words[1] in\n");
    all_commands(out, zsh_command);
    buf_puts(out, "    help)\n        _describe command commands ;;\n"
                  "esac\n");
}

/* -- man -------------------------------------------------------------------------------- */

static void roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_puts(out, "\\&");
    escaped(out, text, "-\\");
}

static void man_command(struct buf *out, const struct command *c, const struct option_spec *specs,
                        size_t count)
{
    buf_printf(out, ".SS \"%s ", c->name);
    escaped(out, c->usage, "-\\");
    buf_puts(out, "\"\n");
    roff(out, c->summary);
    buf_puts(out, "\n");
    for (size_t i = 0; i < count; i++) {
        buf_puts(out, ".TP\n\\fB");
        escaped(out, specs[i].name, "-\\");
        buf_puts(out, "\\fR");
        if (specs[i].value) {
            buf_puts(out, " \\fI");
            escaped(out, specs[i].value, "-\\");
            buf_puts(out, "\\fR");
        }
        buf_puts(out, "\n");
        roff(out, specs[i].doc);
        buf_puts(out, "\n");
    }
    buf_puts(out, ".PP\nExample:\n.PP\n.RS\n.nf\n");
    roff(out, c->example);
    buf_puts(out, "\n.fi\n.RE\n");
}

static void man(struct buf *out)
{
    buf_printf(out,
               ".\\\" Made by `tcet-host completion man`.\n"
               ".TH TCET-HOST 1 \"\" \"tcet-host %s\" \"User Commands\"\n"
               ".SH NAME\n"
               "tcet-host \\- zero\\-cost proxies for neural architecture search, from plugins\n"
               ".SH SYNOPSIS\n"
               ".B tcet-host\n"
               ".I COMMAND\n"
               "[\\fIARGUMENT\\fR ...]\n"
               ".SH COMMANDS\n",
               TCET_VERSION);
    all_commands(out, man_command);
    buf_puts(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < EXIT_MEANING_COUNT; i++)
        buf_printf(out, ".TP\n%d\n%s\n", EXIT_MEANINGS[i].code, EXIT_MEANINGS[i].meaning);
    buf_puts(out,
             ".SH ENVIRONMENT\n"
             ".TP\nTCET_PLUGIN_PATH\nFolders with plugins of your own, parted by colons.\n"
             ".TP\nNO_COLOR\nWhen set, nothing is printed in bold.\n"
             ".SH SEE ALSO\n"
             "The pages in share/doc/tcet\\-host of the installation; docs/ of the sources.\n");
}

int cmd_completion(const struct command *c, int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(struct buf *out);
    } kinds[] = {{"bash", bash}, {"zsh", zsh}, {"man", man}};
    struct buf out = {0};
    const char *kind;
    size_t count;
    int code = cli_options(c, argc, argv, NULL, 0, &kind, 1, 1, &count);

    if (code >= 0)
        return code;
    for (size_t i = 0; i < TCET_COUNT(kinds); i++) {
        if (strcmp(kind, kinds[i].name))
            continue;
        kinds[i].write(&out);
        cli_write(&out);
        buf_free(&out);
        return 0;
    }
    return cli_usage(c, "there is no completion for \"%.40s\"; one of bash, zsh, man", kind);
}
