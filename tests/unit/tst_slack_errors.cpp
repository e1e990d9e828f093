// SPDX-License-Identifier: Apache-2.0
#include "domain/slack_errors.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

constexpr char kCommon[] = "";
constexpr char kPost[] = "chat.postMessage";
constexpr char kUpdate[] = "chat.update";
constexpr char kDelete[] = "chat.delete";
constexpr char kAdd[] = "reactions.add";
constexpr char kRemove[] = "reactions.remove";
constexpr char kOpen[] = "conversations.open";
constexpr char kStream[] = "chat.stopStream";

// A line of contracts/slack.md §3 "Errors": the codes of one method and class, separated by blanks.
struct Line
{
    const char *method;
    SlackErrorClass meaning;
    const char *codes;
};

using enum SlackErrorClass;

constexpr std::array kContract{
    Line{kCommon, Authorisation,
        "account_inactive token_revoked token_expired not_authed invalid_auth missing_scope "
        "not_allowed_token_type "
        "no_permission access_denied accesslimited ekm_access_denied enterprise_is_restricted "
        "two_factor_setup_required "
        "is_bot team_access_not_granted"},
    Line{kCommon, Permanent,
        "invalid_arg_name invalid_arguments invalid_array_arg invalid_charset invalid_form_data "
        "invalid_post_type "
        "missing_post_type unknown_method method_deprecated deprecated_endpoint"},
    Line{kCommon, Transient,
        "org_login_required team_added_to_org ratelimited service_unavailable request_timeout"},
    Line{kCommon, Unknown, "internal_error fatal_error"},
    Line{kPost, Permanent,
        "channel_not_found is_archived not_in_channel no_text invalid_blocks invalid_blocks_format "
        "msg_blocks_too_long "
        "too_many_attachments attachment_payload_limit_exceeded too_many_contact_cards "
        "markdown_text_conflict "
        "invalid_metadata_format invalid_metadata_schema metadata_too_large metadata_must_be_sent_from_app "
        "cannot_reply_to_message messages_tab_disabled missing_file_data restricted_action "
        "restricted_action_read_only_channel restricted_action_thread_only_channel "
        "restricted_action_non_threadable_channel restricted_action_thread_locked app_access_restricted "
        "send_on_behalf_not_allowed as_user_not_supported team_not_found "
        "slack_connect_canvas_sharing_blocked "
        "slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked draft_not_found "
        "draft_already_sent "
        "draft_already_deleted draft_has_conflict duplicate_channel_not_found duplicate_message_not_found "
        "msg_too_long "
        "msg_too_large streaming_mode_mismatch"},
    Line{kPost, Transient, "rate_limited message_limit_exceeded"},
    Line{kUpdate, Permanent,
        "message_not_found cant_update_message edit_window_closed is_inactive msg_too_long block_mismatch "
        "cant_broadcast_message no_dual_broadcast_content_update streaming_state_conflict "
        "invalid_attachments "
        "file_deleted file_is_deleted file_not_found file_share_limit_reached blocked_file_type "
        "max_file_sharing_exceeded posting_to_channel_denied unable_to_share_files"},
    Line{kUpdate, Transient, "external_channel_migrating update_failed"},
    Line{kDelete, NoOp, "message_not_found"},
    Line{kDelete, Permanent, "cant_delete_message channel_not_found"},
    Line{kAdd, NoOp, "already_reacted"},
    Line{kAdd, Permanent,
        "bad_timestamp channel_not_found invalid_name is_archived message_not_found no_access "
        "no_item_specified "
        "not_reactable thread_locked too_many_emoji too_many_reactions no_reaction"},
    Line{kAdd, Transient, "external_channel_migrating"},
    Line{kRemove, NoOp, "no_reaction"},
    Line{kRemove, Permanent,
        "bad_timestamp channel_not_found invalid_name is_archived message_not_found no_access "
        "no_item_specified "
        "file_not_found file_comment_not_found already_reacted"},
    Line{kRemove, Transient, "external_channel_migrating"},
    Line{kOpen, Permanent,
        "channel_not_found user_not_found user_not_visible user_disabled users_list_not_supplied "
        "not_enough_users "
        "too_many_users invalid_user_combination method_not_supported_for_channel_type"},
    Line{kStream, Permanent,
        "message_not_in_streaming_state message_not_owned_by_app invalid_chunks msg_blocks_too_many "
        "msg_blocks_too_long"},
    // An unknown code never leads to an endless retry.
    Line{kPost, Permanent, "a_code_of_next_year already_reacted message_not_found RATELIMITED ratelimited_"},
};

} // namespace

Q_DECLARE_METATYPE(SlackErrorClass)

class SlackErrorsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void contract_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("code");
        QTest::addColumn<SlackErrorClass>("expected");
        for (const Line &line : kContract) {
            const QString named = QString::fromUtf8(line.method);
            // The common codes are the same for every method.
            const QStringList methods = named.isEmpty()
                ? QStringList{QString::fromUtf8(kPost), QString::fromUtf8(kDelete),
                    QString::fromUtf8(kRemove), u"auth.test"_s}
                : QStringList{named};
            for (const QString &code : QString::fromUtf8(line.codes).split(u' ')) {
                for (const QString &method : methods)
                    QTest::newRow(qPrintable(method + u' ' + code)) << method << code << line.meaning;
            }
        }
        QTest::newRow("no code at all") << QString::fromUtf8(kPost) << QString() << Permanent;
    }
    void contract()
    {
        QFETCH(QString, method);
        QFETCH(QString, code);
        QFETCH(SlackErrorClass, expected);
        QCOMPARE(classifySlackError(method, code), expected);
    }
};

QTEST_GUILESS_MAIN(SlackErrorsTest)
#include "tst_slack_errors.moc"
