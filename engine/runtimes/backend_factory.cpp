// SPDX-License-Identifier: Apache-2.0
#include "runtimes/backend_factory.h"

#include "runtimes/acp/acp_backend.h"
#include "runtimes/spritz/spritz_backend.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
using Made = Result<std::unique_ptr<RuntimeBackend>>;

Made makeAcp(const config::BackendConfig &backend, QObject *parent)
{
    if (backend.command.isEmpty()) {
        return fail(ErrorCode::InvalidInput, u"an acp backend needs a command"_s);
    }
    AcpCommand command;
    command.command = backend.command;
    command.workingDirectory = backend.workingDirectory;
    command.environment = backend.environment;
    AcpLimits limits;
    limits.asksPeople = backend.permissions == u"ask";
    return std::unique_ptr<RuntimeBackend>(
        std::make_unique<AcpBackend>(backend.name, command, limits, nullptr, parent));
}

Made makeSpritz(
    const config::BackendConfig &backend, const config::Config &config, http::Client &client, QObject *parent)
{
    SpritzOptions options;
    options.name = backend.name;
    options.registryUrl = QUrl(backend.registryUrl);
    options.registryToken = backend.registryToken;
    options.spritzUrl = QUrl(backend.spritzUrl);
    options.spritzToken = backend.spritzToken;
    options.principalId = backend.principalId;
    options.stepTimeout = config.recovery.httpTimeout;
    options.forcedExchangeTimeout = config.recovery.deliveryTimeout;
    if (options.registryUrl.host().isEmpty() || options.spritzUrl.host().isEmpty()) {
        return fail(ErrorCode::InvalidInput, u"a spritz backend needs registry_url and spritz_url"_s);
    }
    return std::unique_ptr<RuntimeBackend>(std::make_unique<SpritzBackend>(options, client, parent));
}
} // namespace

Result<std::unique_ptr<RuntimeBackend>> makeBackend(
    const config::BackendConfig &backend, const config::Config &config, http::Client &client, QObject *parent)
{
    if (backend.kind == u"acp") {
        return makeAcp(backend, parent);
    }
    if (backend.kind == u"spritz") {
        return makeSpritz(backend, config, client, parent);
    }
    return fail(ErrorCode::InvalidInput, u"there is no such kind of backend"_s);
}

} // namespace signalbox::runtimes
