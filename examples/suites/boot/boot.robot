*** Settings ***
Documentation       Boots one entry of the release's menu as a person at the serial console would, and
...                 looks around inside. What it expects stands in the variables: the display text is
...                 the one that people and robots know the entry by, so a release that changes it
...                 fails here.
Resource            machine.resource
Suite Setup         Open Console
Suite Teardown      Telnet.Close All Connections

*** Variables ***
${ENTRY_TEXT}       Debian stable netboot 6.1.y
${KERNEL}           6.1.
${CODENAME}         bookworm
${BOOTED}           ${False}

*** Test Cases ***
DEB1.1 Debian Boots From iPXE
    Enter iPXE Shell
    Wait Until Keyword Succeeds    3x    1 s    iPXE Dhcp
    ${menu} =    iPXE Menu    %{BOOTWRIGHT_MENU_URL}
    ${position} =    iPXE Get Menu Position    ${menu}    ${ENTRY_TEXT}
    iPXE Boot Entry    ${position}
    Serial Login    %{BOOTWRIGHT_CONSOLE_USER}    %{BOOTWRIGHT_CONSOLE_PASSWORD}
    VAR    ${BOOTED}    ${True}    scope=SUITE

DEB1.2 Debian Runs The Kernel Of The Entry
    [Setup]    Skip If    not ${BOOTED}    nothing has booted
    ${release} =    Telnet.Execute Command    uname -r
    Should Contain    ${release}    ${KERNEL}

DEB1.3 Debian Is The One That Was Built
    [Setup]    Skip If    not ${BOOTED}    nothing has booted
    ${system} =    Telnet.Execute Command    cat /etc/os-release
    Should Contain    ${system}    VERSION_CODENAME=${CODENAME}
