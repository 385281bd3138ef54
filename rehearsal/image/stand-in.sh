#!/bin/sh
# Stands for programs that change what is not the image's: packages, users and owners. What it is called for is
# reported. The name that it is called by says what it stands for.
name=${0##*/}
report() { printf '%s\n' "$name $*" >> /.machine/report/calls; }
account() { # FILE NAME ID
  grep -q "^$2:" "$1" 2>/dev/null || printf '%s\n' "$3" >> "$1"
}
case $name in
  useradd | adduser)
    report "$@"
    home= id=1000 user= make=no
    [ "$name" = adduser ] && make=yes
    while [ $# -gt 0 ]; do
      case $1 in
        -d | --home | --home-dir | -h) home=$2; shift ;;
        --home=* | --home-dir=*) home=${1#*=} ;;
        -u | --uid) id=$2; shift ;;
        --uid=*) id=${1#*=} ;;
        -m | --create-home) make=yes ;;
        -M | --no-create-home | -H) make=no ;;
        -g | -G | -s | -c | -k | -b | --gid | --groups | --shell | --comment | --ingroup | --gecos) shift ;;
        -*) ;;
        *) user=${user:-$1} ;;
      esac
      shift
    done
    home=${home:-/home/$user}
    account /etc/passwd "$user" "$user:x:$id:$id::$home:/bin/sh"
    account /etc/group "$user" "$user:x:$id:"
    [ $make = no ] || mkdir -p "$home"
    ;;
  groupadd | addgroup)
    report "$@"
    id=1000
    while [ $# -gt 1 ]; do
      case $1 in -g | --gid) id=$2; shift ;; esac
      shift
    done
    [ $# = 0 ] || account /etc/group "$1" "$1:x:$id:"
    ;;
  su | runuser | gosu | su-exec | sudo)
    # A step has one user: the command is what counts.
    shell=
    case $name in gosu | su-exec) shift ;; esac
    while [ $# -gt 0 ]; do
      case $1 in
        -c | --command) shell=$2; shift ;;
        --command=*) shell=${1#*=} ;;
        -u | -g | -s | --user | --shell) shift ;;
        --) shift; break ;;
        -*) ;;
        *=*) export "$1" ;;
        *) case $name in su | runuser) ;; *) break ;; esac ;;
      esac
      shift
    done
    if [ -n "$shell" ]; then exec /bin/sh -c "$shell"; fi
    [ $# = 0 ] || exec "$@"
    ;;
  uv)
    # The Python of the image is a virtual environment here, which uv would pass by where it looks for a system's.
    python() { # as the user of uv wrote it
      case $1 in 3.*) set -- "$1" "/usr/local/bin/python$1" ;; python*) set -- "$1" "/usr/local/bin/$1" ;; esac
      if [ -n "${2:-}" ] && [ -x "$2" ]; then printf '%s' "$2"; else printf '%s' "$1"; fi
    }
    real=
    IFS=:
    for folder in $PATH; do
      if [ "$folder" != /.machine/bin ] && [ -x "$folder/uv" ]; then real=$folder/uv; break; fi
    done
    unset IFS
    if [ -z "$real" ]; then echo 'uv: not found' >&2; exit 127; fi
    command=${1:-}
    count=$#
    before=
    while [ "$count" -gt 0 ]; do
      argument=$1
      shift
      count=$((count - 1))
      case $before in --python | -p) argument=$(python "$argument") ;; esac
      before=$argument
      case $argument in
        --system) set -- "$@" --python /usr/local/bin/python3 ;;
        --python=*) set -- "$@" "--python=$(python "${argument#*=}")" ;;
        *) set -- "$@" "$argument" ;;
      esac
    done
    if [ -n "${UV_PYTHON:-}" ]; then
      UV_PYTHON=$(python "$UV_PYTHON") && export UV_PYTHON
    elif [ -x /usr/local/bin/python3 ]; then
      case $command in sync | run | venv | lock | export | add) UV_PYTHON=/usr/local/bin/python3 && export UV_PYTHON ;; esac
    fi
    case ${UV_SYSTEM_PYTHON:-} in
      1 | true) UV_PYTHON=/usr/local/bin/python3 && export UV_PYTHON && unset UV_SYSTEM_PYTHON ;;
    esac
    exec "$real" "$@"
    ;;
  dpkg)
    # It also answers questions.
    case ${1:-} in -i | --install | --configure | --purge | -r) report "$@" ;; *) exec /usr/bin/dpkg "$@" ;; esac
    ;;
  *) report "$@" ;;
esac
