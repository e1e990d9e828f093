// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/action_dialog.h"
#include "ui/field_grid.h"
#include "ui/list_model.h"
#include "ui/list_pane.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using ui::ActionId;
using ui::ViewKind;

// The view of interactions: who is asked what and where, the three facts, and what can be done about it.
class InteractionViewsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void theThreeFacts_areSeen();
    void questions_followTheStream();
    void aQuestion_isExplained();
    void answer_offersTheOptionsOfTheCard();
    void cancel_asksForAReason();
    void actions_areOfferedForOpenQuestionsOnly();

private:
    static domain::InteractionItem question(const UiFixture &f, const QString &id, const QString &state)
    {
        domain::InteractionItem item;
        item.id = id;
        item.state = state;
        item.origin = u"permission"_s;
        item.place = u"C0456"_s;
        item.thread = u"1764000000.123456"_s;
        item.sessionId = u"se_1"_s;
        item.deliveryId = u"d-1"_s;
        item.answerers = u" U1 U2 "_s;
        item.optionKinds = QStringList{u"allow_once"_s, u"reject_once"_s};
        item.createdAt = f.clock.now() - Millis(120'000);
        item.expiresAt = f.clock.now() + Millis(3'600'000);
        item.rev = 1;
        return item;
    }
    static QString cell(const UiFixture &f, int row, const QString &column)
    {
        const auto &columns = f.model()->kind().columns();
        for (size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].key == column)
                return f.model()->cell(row, static_cast<int>(i)).text;
        }
        return u"no such column"_s;
    }
    static void show(UiFixture &f, int rows)
    {
        f.show();
        f.window->showView(ViewKind::Interactions);
        QTRY_COMPARE(f.model()->rowCount(), rows);
        QTRY_COMPARE(f.api.waiting(), 0);
    }
    static void choose(const UiFixture &f, int row)
    {
        f.table()->setCurrentIndex(f.model()->index(row, 0));
        QTRY_COMPARE(f.api.waiting(), 0);
    }
    static QAction *action(const UiFixture &f, ActionId id) { return f.window->actions().get(id); }
};

void InteractionViewsTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, ui::Theme::Light);
}

void InteractionViewsTest::theThreeFacts_areSeen()
{
    UiFixture f;
    domain::InteractionItem answered = question(f, u"i-1"_s, u"answered"_s);
    answered.clickedAt = f.clock.now() - Millis(60'000);
    answered.acceptedAt = answered.clickedAt + Millis(100);
    answered.answeredBy = u"U2"_s;
    f.api.interactionItems = {answered};
    show(f, 1);
    QCOMPARE(cell(f, 0, u"state"_s), u"Answered"_s);
    QCOMPARE(cell(f, 0, u"origin"_s), u"Permission"_s);
    QCOMPARE(cell(f, 0, u"answerers"_s), u"U1 U2"_s);
    QCOMPARE(cell(f, 0, u"by"_s), u"U2"_s);
    QVERIFY(cell(f, 0, u"clicked"_s).contains(u':'));
    QVERIFY(cell(f, 0, u"accepted"_s).contains(u':'));
    QCOMPARE(cell(f, 0, u"card"_s), u"–"_s); // not yet
}

void InteractionViewsTest::questions_followTheStream()
{
    UiFixture f;
    f.api.interactionItems = {question(f, u"i-1"_s, u"open"_s)};
    show(f, 1);
    QTRY_COMPARE(f.api.watched(), QStringList(u"interaction"_s));
    domain::InteractionItem expired = question(f, u"i-1"_s, u"expired"_s);
    expired.rev = 2;
    f.api.push(expired);
    QTRY_COMPARE(cell(f, 0, u"state"_s), u"Expired"_s);
}

void InteractionViewsTest::aQuestion_isExplained()
{
    UiFixture f;
    f.api.interactionItems = {question(f, u"i-1"_s, u"open"_s)};
    show(f, 1);
    choose(f, 0);
    QTRY_COMPARE(f.find<QLabel>("detailsSubject")->text(), ui::placeText(u"C0456"_s, u"1764000000.123456"_s));
    const auto *fields = f.find<ui::FieldGrid>("interactionFields");
    QTRY_VERIFY(fields->isVisible());
    QCOMPARE(fields->value(u"options"_s), u"Allow once, Reject once"_s);
    QCOMPARE(fields->value(u"clicked"_s), u"Not yet"_s);
    QCOMPARE(fields->value(u"delivery"_s), u"d-1"_s);
    QCOMPARE(fields->value(u"webhook"_s), QString());
    // Why whoever asked does not have the answer.
    domain::InteractionItem untold = question(f, u"i-1"_s, u"answered"_s);
    untold.rev = 2;
    untold.webhook = u"crm"_s;
    untold.webhookState = u"retry"_s;
    untold.webhookError = u"http_500"_s;
    untold.webhookAttempts = 3;
    f.api.push(untold);
    QTRY_COMPARE(fields->value(u"webhook"_s), u"crm is not reached: http_500 (tries: 3)"_s);
}

void InteractionViewsTest::answer_offersTheOptionsOfTheCard()
{
    UiFixture f;
    f.api.interactionItems = {question(f, u"i-1"_s, u"open"_s)};
    show(f, 1);
    choose(f, 0);
    action(f, ActionId::AnswerInteraction)->trigger();
    ui::ActionDialog *dialog = f.window->rowActions()->dialog();
    QVERIFY(dialog);
    auto *options = dialog->findChild<QComboBox *>(u"actionChoice_option"_s);
    QVERIFY(options);
    QCOMPARE(options->count(), 2);
    QCOMPARE(options->itemText(1), u"2: Reject once"_s);
    options->setCurrentIndex(1);
    dialog->findChild<QPushButton *>(u"actionGo"_s)->click();
    QTRY_COMPARE(f.api.acts().size(), 1);
    QCOMPARE(f.api.acts().first().act, domain::Act::Answer);
    QCOMPARE(f.api.acts().first().id, u"i-1"_s);
    QCOMPARE(f.api.acts().first().option, u"#2"_s);
}

void InteractionViewsTest::cancel_asksForAReason()
{
    UiFixture f;
    f.api.interactionItems = {question(f, u"i-1"_s, u"open"_s)};
    show(f, 1);
    choose(f, 0);
    action(f, ActionId::CancelInteraction)->trigger();
    ui::ActionDialog *dialog = f.window->rowActions()->dialog();
    QVERIFY(dialog);
    auto *go = dialog->findChild<QPushButton *>(u"actionGo"_s);
    QVERIFY(!go->isEnabled());
    dialog->findChild<QLineEdit *>(u"actionReason"_s)->setText(u"wrong question"_s);
    QVERIFY(go->isEnabled());
    go->click();
    QTRY_COMPARE(f.api.acts().size(), 1);
    QCOMPARE(f.api.acts().first().act, domain::Act::Cancel);
    QCOMPARE(f.api.acts().first().scope, u"interaction"_s);
}

void InteractionViewsTest::actions_areOfferedForOpenQuestionsOnly()
{
    UiFixture f;
    f.api.interactionItems = {question(f, u"i-1"_s, u"open"_s), question(f, u"i-2"_s, u"withdrawn"_s)};
    show(f, 2);
    for (int row = 0; row < 2; ++row) {
        choose(f, row);
        const bool open = f.model()->row(row).id == u"i-1";
        QTRY_COMPARE(action(f, ActionId::AnswerInteraction)->isEnabled(), open);
        QCOMPARE(action(f, ActionId::CancelInteraction)->isEnabled(), open);
        QCOMPARE(action(f, ActionId::RepostInteraction)->isEnabled(), open);
    }
}

QTEST_MAIN(InteractionViewsTest)
#include "tst_interaction_views.moc"
