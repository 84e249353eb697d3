import sys

from sltcourse.kit.book.site import main

if __name__ == "__main__":
    main(sys.argv[1:])
