// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace signalbox {

// The filter expressions of lists and streams (INTERFACE.md "Admin routes"), one grammar for all kinds:
//
//   state:dead,unconfirmed channel:slack age:>10m error~"timed out" -tenant:T1 U0123
//
// Terms stand apart by spaces and all of them must hold; `-` in front turns one round.
//   field:value       the field is the value; of a comma list, one of them. state:waiting:lock also looks at
//                     waits_for
//   field:>value      also >= < <=: numbers as numbers, anything else as text (times are RFC 3339 in UTC)
//   age:>10m          how long ago created_at was: one whole number with ms, s, m, h or d
//   field~value       the field's text contains the value, whatever its case; of a list, one of them
//   value             any text field of the item is the value
// A value with spaces, commas or quotes stands in double quotes, with \" and \\ in it. A field is a member of
// the item, a.b a member of a member. A field that is absent matches nothing, so `-field:value` holds then.
// A value type.
class Filter
{
public:
    enum class Op { Is, Contains, Less, AtMost, Greater, AtLeast };
    struct Term
    {
        Term() = default;
        bool negated = false;
        QString field; // empty: any
        Op op = Op::Is;
        QStringList values; // one at least
        Millis age{0}; // of field "age"
    };

    // One that everything matches.
    Filter() = default;
    // InvalidInput with the position (from 1) and the word in the message, the position as native.
    [[nodiscard]] static Result<Filter> parse(const QString &text);

    [[nodiscard]] bool isEmpty() const { return m_terms.empty(); }
    [[nodiscard]] const std::vector<Term> &terms() const { return m_terms; }
    // `item` as the admin routes show it.
    [[nodiscard]] bool matches(const Json &item, Instant now) const;

private:
    std::vector<Term> m_terms;
};

} // namespace signalbox
