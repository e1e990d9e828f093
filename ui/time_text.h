// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QLocale>
#include <QObject>
#include <QString>

namespace signalbox::ui {

// How the console tells time: one switch local/UTC for everything, absolute texts for history, ages for
// living values. Ages run on the engine's time; they stand still from the moment the data is not live any
// more. UI thread; owned by the main window, outlives every view.
class TimeText : public QObject
{
    Q_OBJECT
public:
    explicit TimeText(const Clock *clock, QObject *parent = nullptr);

    [[nodiscard]] bool isUtc() const { return m_utc; }
    void setUtc(bool utc);

    // The engine said that it is `engineNow`: the data is live and this is how far our clock is off.
    void synchronise(Instant engineNow);
    void setLive(bool live);
    [[nodiscard]] bool isLive() const { return m_live; }
    [[nodiscard]] Millis skew() const { return m_skew; }
    // Now in the engine's time, or the last moment for which the data was good.
    [[nodiscard]] Instant now() const;
    [[nodiscard]] Instant dataAsOf() const { return m_asOf; }

    // Today "14:02:11", else "12 Mar 14:02:11"; empty for never.
    [[nodiscard]] QString moment(Instant at) const;
    [[nodiscard]] QString clockTime(Instant at) const; // "14:02:11.123"
    // Date, time to the millisecond and zone, for tool tips; RFC 3339 UTC below.
    [[nodiscard]] QString full(Instant at) const;
    // "4 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"; empty for never.
    [[nodiscard]] QString age(Instant since) const;
    [[nodiscard]] QString until(Instant at) const; // "in 3 s", "due"
    [[nodiscard]] static QString span(Millis length);

Q_SIGNALS:
    void changed(); // zone or liveness
    void ticked(); // once a second while live

private:
    [[nodiscard]] QDateTime at(Instant when) const;
    const Clock *m_clock;
    Millis m_skew{0};
    Instant m_asOf;
    bool m_live = false;
    bool m_utc = false;
};

} // namespace signalbox::ui
