#!/bin/sh
# Shows the folder of an image as `/` to one command, in a mount namespace of its own. What the image does not
# have of the operating system is this machine's, and is never written to.
# The variables of a step are set when the command is no longer root: some of them tell what a program loads.
# usage: view.sh ROOT WORK USER DIRECTORY COMMAND...
#   WORK       an empty folder on the file system of ROOT; WORK/binds has a line for each folder that is shown, too
#   USER       a number, or - for whoever calls
set -eu
root=$1 work=$2 user=$3 directory=$4
shift 4
mount --make-rprivate / 2>/dev/null || true
new=$work/root
mkdir -p "$new" "$root/dev" "$root/proc"
mount --bind "$root" "$new"
for folder in usr bin sbin lib lib32 lib64 libx32; do
  # On most machines /bin and its like are links into /usr, and so they are in the image.
  if [ ! -d "/$folder" ] || [ -L "/$folder" ]; then continue; fi
  mkdir -p "$root/$folder" "$work/$folder"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$root/$folder,workdir=$work/$folder" "$new/$folder" 2>/dev/null ||
    mount -t overlay overlay -o "userxattr,lowerdir=/$folder,upperdir=$root/$folder,workdir=$work/$folder" "$new/$folder" 2>/dev/null ||
    mount --rbind "/$folder" "$new/$folder"
done
# /usr/local is the image's alone.
mount --bind "$root/usr/local" "$new/usr/local"
mount --rbind /dev "$new/dev"
mount -t proc proc "$new/proc" 2>/dev/null || mount --rbind /proc "$new/proc"
while IFS="$(printf '\t')" read -r source target; do
  mount --rbind "$source" "$new$target"
done < "$work/binds"
become=
if [ "$user" != - ]; then
  become="setpriv --reuid $user --regid $user --clear-groups --no-new-privs --bounding-set=-all"
fi
# shellcheck disable=SC2086
exec chroot "$new" $become /bin/sh -c '. /.machine/report/environment && cd "$1" && shift && exec "$@"' sh "$directory" "$@"
