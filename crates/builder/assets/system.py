"""What /in/system.json says, done to the tree in /build/tree.

Everything that follows paths of the tree runs in the tree (chroot), so that a link of a package
or a recipe leads nowhere else.
"""
import json
import os
import subprocess
import sys

TREE = "/build/tree"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "SYSTEMD_OFFLINE": "1",
    "SOURCE_DATE_EPOCH": os.environ["SOURCE_DATE_EPOCH"],
}


# In dom0 the first serial port is the hypervisor's, and its console is hvc0.
NOT_IN_DOM0 = """[Unit]
ConditionKernelCommandLine=!console=hvc0
"""


def in_tree(*command, text=None, source=None):
    stdin = {"input": text} if source is None else {"stdin": source}
    done = subprocess.run(
        ["chroot", TREE, *command], **stdin, text=True, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    if done.stdout.strip():
        print(done.stdout.rstrip(), flush=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed in the rootfs with exit code {done.returncode}")


def write(path, content, mode="0644", owner="root:root", upload=None):
    print(f"file {path}", flush=True)
    script = 'mkdir -p "$(dirname "$1")" && rm -f "$1" && cat >"$1" && chown "$2" "$1" && chmod "$3" "$1"'
    if upload is None:
        in_tree("sh", "-c", script, "sh", path, owner, mode, text=content)
    else:
        with open(f"/in/uploads/{upload}", "rb") as source:
            in_tree("sh", "-c", script, "sh", path, owner, mode, source=source)


def exists(path):
    return os.path.lexists(TREE + path)


def set_password(user, password, salt):
    # The salt is derived from the step's inputs, so that the same inputs give the same bytes.
    hashed = subprocess.run(
        ["perl", "-e", 'my $p = <STDIN>; print crypt($p, "\\$6\\$$ARGV[0]\\$")', salt],
        input=password, text=True, stdout=subprocess.PIPE, check=True,
    ).stdout
    in_tree("usermod", "-p", hashed, user)


def has_account(name):
    return subprocess.run(["chroot", TREE, "id", name], env=ENVIRONMENT, capture_output=True).returncode == 0


def add_users(users):
    for user in users:
        name = user["name"]
        print(f"account {name}", flush=True)
        if name != "root" and not has_account(name):
            in_tree("useradd", "--create-home", "--user-group", "--shell", user["shell"], name)
        else:
            in_tree("usermod", "--shell", user["shell"], name)
        for group in user["groups"]:
            in_tree("sh", "-c", 'getent group "$1" >/dev/null || groupadd "$1"; usermod -aG "$1" "$2"', "sh", group, name)
        if user["password"] is not None:
            set_password(name, user["password"], user["salt"])
        if user["ssh_keys"]:
            home = "/root" if name == "root" else f"/home/{name}"
            in_tree("install", "-d", "-m", "0700", "-o", name, "-g", name, f"{home}/.ssh")
            keys = "".join(key + "\n" for key in user["ssh_keys"])
            write(f"{home}/.ssh/authorized_keys", keys, "0600", f"{name}:{name}")


HOST_KEYS_UNIT = """[Unit]
Description=Make the SSH host keys of this machine
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
"""

NETWORK = """[Match]
Name=en* eth*

[Network]
DHCP=yes
"""


def name_host(hostname):
    write("/etc/hostname", hostname + "\n")
    write("/etc/hosts", f"127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n::1\tlocalhost ip6-localhost\n")


def found(system):
    """What every rootfs gets once, whatever is changed of it later."""
    write("/etc/fstab", "# The initrd mounts the root file system: the images of the release under a layer in memory.\n")
    write("/etc/issue", system["issue"])
    if exists("/usr/bin/systemctl") or exists("/bin/systemctl"):
        write("/etc/systemd/network/99-bootwright.network", NETWORK)
        in_tree("systemctl", "enable", "serial-getty@ttyS0.service", "systemd-networkd.service")
        write("/etc/systemd/system/serial-getty@ttyS0.service.d/dom0.conf", NOT_IN_DOM0)
    if exists("/usr/sbin/sshd"):
        write("/etc/systemd/system/bootwright-host-keys.service", HOST_KEYS_UNIT)
        in_tree("systemctl", "enable", "bootwright-host-keys.service")


def main():
    with open("/in/system.json", encoding="utf-8") as file:
        system = json.load(file)
    if system["hostname"] is not None:
        name_host(system["hostname"])
    if "issue" in system:
        found(system)
    add_users(system["users"])
    for file in system["files"]:
        write(file["path"], file["content"], file["mode"], file["owner"], file.get("upload"))
    for unit in system["enable"]:
        in_tree("systemctl", "enable", unit)
    for unit in system["disable"]:
        in_tree("systemctl", "disable", unit)


main()
