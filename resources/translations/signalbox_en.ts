<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en_GB" sourcelanguage="en">
<context>
    <name>DeliverySummary</name>
    <message numerus="yes">
        <source>Tried %n time(s); next try %1.</source>
        <translation>
            <numerusform>Tried %n time; next try %1.</numerusform>
            <numerusform>Tried %n times; next try %1.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>It gave up after %n attempt(s). The person was told so.</source>
        <translation>
            <numerusform>It gave up after %n attempt. The person was told so.</numerusform>
            <numerusform>It gave up after %n attempts. The person was told so.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>InstallationSummary</name>
    <message numerus="yes">
        <source>Still to be told that the app is gone, for %1, %n attempt(s)</source>
        <translation>
            <numerusform>Still to be told that the app is gone, for %1, %n attempt</numerusform>
            <numerusform>Still to be told that the app is gone, for %1, %n attempts</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>LifecycleSummary</name>
    <message numerus="yes">
        <source>%1: %2, %n attempt(s)</source>
        <comment>backend, state</comment>
        <translation>
            <numerusform>%1: %2, %n attempt</numerusform>
            <numerusform>%1: %2, %n attempts</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n session(s) lost their runtime by it.</source>
        <translation>
            <numerusform>%n session lost its runtime by it.</numerusform>
            <numerusform>%n sessions lost their runtime by it.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>LifecycleList</name>
    <message numerus="yes">
        <source>%n session(s) unbound</source>
        <translation>
            <numerusform>%n session unbound</numerusform>
            <numerusform>%n sessions unbound</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>RuntimeList</name>
    <message numerus="yes">
        <source>%n session(s) bound to it</source>
        <translation>
            <numerusform>%n session bound to it</numerusform>
            <numerusform>%n sessions bound to it</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SessionList</name>
    <message numerus="yes">
        <source>%n message(s) whose turn is not over</source>
        <translation>
            <numerusform>%n message whose turn is not over</numerusform>
            <numerusform>%n messages whose turn is not over</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SessionSummary</name>
    <message numerus="yes">
        <source>%n message(s) whose turn is not over</source>
        <translation>
            <numerusform>%n message whose turn is not over</numerusform>
            <numerusform>%n messages whose turn is not over</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>signalbox::ui::AttemptsView</name>
    <message numerus="yes">
        <source>%n attempt(s)</source>
        <translation>
            <numerusform>%n attempt</numerusform>
            <numerusform>%n attempts</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n outbound message(s)</source>
        <translation>
            <numerusform>%n outbound message</numerusform>
            <numerusform>%n outbound messages</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>signalbox::ui::CommandPalette</name>
    <message numerus="yes">
        <source>%n found</source>
        <translation>
            <numerusform>%n found</numerusform>
            <numerusform>%n found</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>signalbox::ui::ListPane</name>
    <message numerus="yes">
        <source>%n change(s) waiting</source>
        <translation>
            <numerusform>%n change waiting</numerusform>
            <numerusform>%n changes waiting</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n new</source>
        <comment>rows that wait</comment>
        <translation>
            <numerusform>%n new</numerusform>
            <numerusform>%n new</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Show %n new row(s)</source>
        <translation>
            <numerusform>Show %n new row</numerusform>
            <numerusform>Show %n new rows</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n selected</source>
        <translation>
            <numerusform>%n selected</numerusform>
            <numerusform>%n selected</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>(%n not among these rows any more)</source>
        <translation>
            <numerusform>(%n not among these rows any more)</numerusform>
            <numerusform>(%n not among these rows any more)</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>signalbox::ui::MainWindow</name>
    <message numerus="yes">
        <source>%n forward(s) under way</source>
        <translation>
            <numerusform>%n forward under way</numerusform>
            <numerusform>%n forwards under way</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n running or waiting</source>
        <translation>
            <numerusform>%n running or waiting</numerusform>
            <numerusform>%n running or waiting</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n unfinished</source>
        <translation>
            <numerusform>%n unfinished</numerusform>
            <numerusform>%n unfinished</numerusform>
        </translation>
    </message>
</context>
</TS>
