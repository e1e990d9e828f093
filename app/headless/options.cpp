// SPDX-License-Identifier: Apache-2.0
#include "headless/options.h"

#include <functional>
#include <vector>

using namespace Qt::StringLiterals;

namespace signalbox::headless {
namespace {

struct Option
{
    QString name; // with its dashes
    QString value; // what stands for the value in the help; empty: a switch
    QString help; // empty: hidden
    bool server = true;
    bool console = true;
    // Stores the value; a text when it is wrong.
    std::function<QString(Options &, const QString &)> store;
};

using Store = std::function<QString(Options &, const QString &)>;

Store text(QString Options::*member)
{
    return [member](Options &options, const QString &value) {
        options.*member = value;
        return value.isEmpty() ? u"needs a value that is not empty"_s : QString();
    };
}

Store flag(bool Options::*member)
{
    return [member](Options &options, const QString &) {
        options.*member = true;
        return QString();
    };
}

QString storeLogFormat(Options &options, const QString &value)
{
    if (value != u"text"_s && value != u"json"_s) {
        return u"must be text or json, not \"%1\""_s.arg(value);
    }
    options.logFormat = value == u"json"_s ? LogFormat::Json : LogFormat::Text;
    return {};
}

const std::vector<Option> &table()
{
    static const std::vector<Option> options{
        {u"--config"_s, u"FILE"_s, u"read this configuration, and conf.d/*.toml beside it"_s, true, true,
            text(&Options::configFile)},
        {u"--data-dir"_s, u"DIR"_s, u"keep the database and keys here"_s, true, true,
            text(&Options::dataDir)},
        {u"--sandbox"_s, {}, u"run against simulated services on a throw-away database"_s, true, true,
            flag(&Options::sandbox)},
        {u"--check-config"_s, {}, u"check the configuration and exit: 0 when it is good, else 78"_s, true,
            false, flag(&Options::checkConfig)},
        {u"--print-config"_s, {}, u"print the effective configuration, secrets masked, and exit"_s, true,
            false, flag(&Options::printConfig)},
        {u"--log-format"_s, u"text|json"_s, u"how to log to stderr"_s, true, false, storeLogFormat},
        {u"--sandbox-agent"_s, {}, {}, true, false, flag(&Options::sandboxAgent)},
        {u"--profile"_s, u"NAME"_s, u"use this profile of the console"_s, false, true,
            text(&Options::profile)},
        {u"--attach"_s, u"URL"_s, u"attach to the engine at this address instead of embedding one"_s, false,
            true, text(&Options::attachUrl)},
    };
    return options;
}

bool knows(const Option &option, Program program)
{
    return program == Program::Server ? option.server : option.console;
}

QString programName(Program program)
{
    return program == Program::Server ? u"signalboxd"_s : u"signalbox"_s;
}

QString helpText(Program program)
{
    const QString name = programName(program);
    const QString purpose = program == Program::Server
        ? u"The gateway between chat channels and AI-agent runtimes, as a server."_s
        : u"The operator's console of the gateway between chat channels and AI-agent runtimes."_s;
    const QString link = program == Program::Console ? u" [signalbox://…]"_s : QString();
    QString help = u"Usage: %1 [OPTION]…%2\n%3\n\n"_s.arg(name, link, purpose);
    const auto line = [&help](const QString &left, const QString &right) {
        help += u"  "_s + left.leftJustified(26) + right + u'\n';
    };
    for (const Option &option : table()) {
        if (knows(option, program) && !option.help.isEmpty()) {
            line(option.value.isEmpty() ? option.name : option.name + u' ' + option.value, option.help);
        }
    }
    line(u"--version"_s, u"print the version and exit"_s);
    line(u"--help"_s, u"print this and exit"_s);
    help += program == Program::Server
        ? u"\nFirst steps: signalboxd --sandbox\nExit codes: 0 stopped as asked, 1 failed, 64 wrong usage, "
          "69 a service is missing, 78 configuration\n"_s
        : u"\nFirst steps: signalbox --sandbox\n"_s;
    return help;
}

tl::unexpected<Ending> wrongUsage(Program program, const QString &message)
{
    const QString name = programName(program);
    return tl::unexpected<Ending>(
        Ending{ExitCode::WrongUsage, {}, u"%1: %2\nTry %1 --help\n"_s.arg(name, message)});
}

// Rules between options; a text when one is broken.
QString conflict(const Options &options)
{
    if (options.checkConfig && options.printConfig) {
        return u"--check-config and --print-config are two different requests"_s;
    }
    if (options.sandbox && (!options.configFile.isEmpty() || options.checkConfig || options.printConfig)) {
        return u"--sandbox brings its own configuration; leave out --config, --check-config and --print-config"_s;
    }
    if (options.sandbox && !options.attachUrl.isEmpty()) {
        return u"--sandbox embeds an engine and --attach uses another one; give one of them"_s;
    }
    return {};
}

// Reads arguments into options, one option at a time.
class Reader
{
public:
    Reader(Program program, const QStringList &arguments)
        : m_program(program)
        , m_arguments(arguments)
    {
    }

    tl::expected<Options, Ending> read()
    {
        while (m_next < m_arguments.size()) {
            const QString argument = m_arguments[m_next++];
            if (argument == u"--help"_s || argument == u"-h"_s) {
                return tl::unexpected<Ending>(Ending{ExitCode::Stopped, helpText(m_program), {}});
            }
            if (argument == u"--version"_s) {
                const QString line
                    = u"%1 %2\n"_s.arg(programName(m_program), QStringLiteral(SIGNALBOX_VERSION));
                return tl::unexpected<Ending>(Ending{ExitCode::Stopped, line, {}});
            }
            if (const QString wrong = take(argument); !wrong.isEmpty()) {
                return wrongUsage(m_program, wrong);
            }
        }
        if (const QString wrong = conflict(m_options); !wrong.isEmpty()) {
            return wrongUsage(m_program, wrong);
        }
        return m_options;
    }

private:
    QString take(const QString &argument)
    {
        if (m_program == Program::Server && argument == u"--create-token"_s) {
            return u"--create-token is not supported by this version; configure [[admin.tokens]]"_s;
        }
        if (m_program == Program::Console && argument.startsWith(u"signalbox://"_s)
            && m_options.link.isEmpty()) {
            m_options.link = argument;
            return {};
        }
        if (!argument.startsWith(u"--"_s)) {
            return u"unexpected argument \"%1\""_s.arg(argument);
        }
        const qsizetype equals = argument.indexOf(u'=');
        const QString name = equals < 0 ? argument : argument.left(equals);
        for (const Option &option : table()) {
            if (option.name == name && knows(option, m_program)) {
                return takeValue(option, equals < 0 ? std::nullopt : std::optional(argument.mid(equals + 1)));
            }
        }
        return u"unknown option %1"_s.arg(name);
    }

    QString takeValue(const Option &option, std::optional<QString> value)
    {
        if (option.value.isEmpty() && value) {
            return u"%1 takes no value"_s.arg(option.name);
        }
        if (!option.value.isEmpty() && !value) {
            if (m_next == m_arguments.size()) {
                return u"%1 needs %2"_s.arg(option.name, option.value);
            }
            value = m_arguments[m_next++];
        }
        if (m_given.contains(option.name)) {
            return u"%1 is given twice"_s.arg(option.name);
        }
        m_given.append(option.name);
        const QString wrong = option.store(m_options, value.value_or(QString()));
        return wrong.isEmpty() ? QString() : option.name + u' ' + wrong;
    }

    Program m_program;
    QStringList m_arguments;
    qsizetype m_next = 0;
    QStringList m_given;
    Options m_options;
};

} // namespace

tl::expected<Options, Ending> parseOptions(Program program, const QStringList &arguments)
{
    return Reader(program, arguments).read();
}

} // namespace signalbox::headless
