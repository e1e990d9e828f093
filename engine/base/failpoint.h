// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// Places where a test kills this process: at every commit and every send of a message's way. A place has two
// edges, "commit.ingest.before" and "commit.ingest.after". SIGNALBOX_FAILPOINT=name[:nth] in the environment,
// read once, arms one of them: the nth time that it is reached (default: the first), the process says so on
// stderr and ends itself with SIGKILL. Only with the CMake option SIGNALBOX_FAILPOINTS; without it nothing of
// this is in the program. tests/faults/tst_failpoints.cpp has a row for each place, and fails for one that
// was not reached.
namespace signalbox {

enum class FailPlace : std::uint8_t {
    // The commit of a unit of work, by the unit's name.
    CommitRegisterEngine,
    CommitSyncInstallations,
    CommitRenewLease,
    CommitEndEngine,
    CommitAddTenant,
    CommitSetBotUser,
    CommitIngest,
    CommitClaimDeliveries, // the three claims: of something, not of nothing
    CommitNoteStage,
    CommitObserveRuntime,
    CommitDropStatus,
    CommitBeginTurn,
    CommitAcceptTurn,
    CommitFinishTurn,
    CommitEnqueueOutbound,
    CommitClaimOutbound,
    CommitBeginResend,
    CommitFinishOutbound,
    CommitStoreLifecycle,
    CommitClaimForwards,
    CommitFinishForward,
    CommitStoreInteraction,
    CommitClaimInteraction,
    CommitOther, // units outside of a message's way: operators' actions, sweeps, replicas
    // What leaves the process. Before: not a byte has left. After: the answer is there; of an acknowledgement
    // and of a prompt, which is answered much later: its bytes are with the kernel.
    SendAcknowledgement, // an answer of our listeners: the 2xx to Slack
    SendExchange,
    SendUpsert,
    SendBootstrap,
    SendConnect,
    SendNewSession,
    SendLoad,
    SendCancel, // before the first prompt after an unconfirmed one
    SendPrompt,
    SendPost,
    SendReaction,
    SendUnreaction,
    SendForward,
    SendEdit,
    None, // no place; the last
};

inline constexpr std::array kFailPlaceNames = std::to_array<std::string_view>({
    "commit.registerEngine",
    "commit.syncInstallations",
    "commit.renewLease",
    "commit.endEngine",
    "commit.addTenant",
    "commit.setBotUser",
    "commit.ingest",
    "commit.claimDeliveries",
    "commit.noteStage",
    "commit.observeRuntime",
    "commit.dropStatus",
    "commit.beginTurn",
    "commit.acceptTurn",
    "commit.finishTurn",
    "commit.enqueueOutbound",
    "commit.claimOutbound",
    "commit.beginResend",
    "commit.finishOutbound",
    "commit.storeLifecycle",
    "commit.claimForwards",
    "commit.finishForward",
    "commit.storeInteraction",
    "commit.claimInteraction",
    "commit.other",
    "send.acknowledgement",
    "send.exchange",
    "send.upsert",
    "send.bootstrap",
    "send.connect",
    "send.newSession",
    "send.load",
    "send.cancel",
    "send.prompt",
    "send.post",
    "send.reaction",
    "send.unreaction",
    "send.forward",
    "send.edit",
});
static_assert(kFailPlaceNames.size() == static_cast<std::size_t>(FailPlace::None));

enum class FailEdge { Before, After };

#ifdef SIGNALBOX_FAILPOINTS
// May end the process. From any thread.
void reachFailpoint(FailPlace place, FailEdge edge);
// For what is done only so that a place is exact.
[[nodiscard]] bool isFailpointArmed(FailPlace place, FailEdge edge);
#else
// Other names for the linker than those above: files with and without are linked together.
inline namespace off {
inline void reachFailpoint(FailPlace, FailEdge) { }
[[nodiscard]] inline bool isFailpointArmed(FailPlace, FailEdge)
{
    return false;
}
} // namespace off
#endif

} // namespace signalbox
