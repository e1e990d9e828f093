// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/demo_rows.h"
#include "support/fake_clock.h"
#include "support/fake_operator_api.h"
#include "ui/list_table.h"
#include "ui/main_window.h"
#include "ui/theme.h"
#include "ui/translations.h"

#include <QTest>

#include <memory>

namespace signalbox::testing {

// A window over a fake engine, and short names for what tests look at.
struct UiFixture
{
    explicit UiFixture(int deliveries = 0, int sessions = 0)
    {
        fillDemo(api, deliveries, sessions, clock.now());
        window = std::make_unique<ui::MainWindow>(&api, &clock, ui::Profile::embedded());
        window->resize(1200, 800);
    }
    [[nodiscard]] ui::ListPane *pane() const { return window->pane(window->currentView()); }
    [[nodiscard]] ui::ListTable *table() const { return pane()->table(); }
    [[nodiscard]] ui::ListModel *model() const { return pane()->model(); }
    // Shown, with its first rows.
    void show()
    {
        window->show();
        QVERIFY(QTest::qWaitForWindowExposed(window.get()));
        QTRY_COMPARE(model()->phase(), ui::ListPhase::Ready);
        QTRY_VERIFY(!model()->isFetching());
    }
    template <class Widget>
    [[nodiscard]] Widget *find(const char *name) const
    {
        return window->findChild<Widget *>(QString::fromLatin1(name));
    }
    [[nodiscard]] domain::DeliveryItem changed(const QString &id, qint64 rev, const QString &state) const
    {
        for (qsizetype i = 0; i < api.deliveryCount(); ++i) {
            if (api.deliveryAt(i).id == id) {
                domain::DeliveryItem item = api.deliveryAt(i);
                item.rev = rev;
                item.state = state;
                return item;
            }
        }
        return {};
    }
    [[nodiscard]] domain::DeliveryItem fresh(int number) const
    {
        domain::DeliveryItem item = demoDelivery(0, clock.now());
        item.id = QStringLiteral("new-%1").arg(number, 4, 10, QLatin1Char('0'));
        item.createdAt = clock.now() + Millis(number);
        return item;
    }

    FakeClock clock;
    FakeOperatorApi api;
    std::unique_ptr<ui::MainWindow> window;
};

} // namespace signalbox::testing
