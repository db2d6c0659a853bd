#pragma once

#include <randnla/io/images.hpp>

#include <string>
#include <vector>

namespace randnla {

/// A labelled image on the disk.
struct ImageFile {
  std::string path;
  index_t label = 0;
};

/// A data set as a folder that has a sub-folder of images for each class.
struct ImageFolder {
  std::vector<std::string> classes;  // the sub-folders' names, in the order of their bytes
  std::vector<ImageFile> files;      // class by class, in the order of their names' bytes
};

/// Lists a folder, whose images are not opened. Names that begin with a dot are passed over.
///
/// Throws  DataError naming the place: no such folder, no sub-folders or more than 65,536, a file
///         beside them, one without images, a name that ends neither in .ppm nor in .ppm.gz
ImageFolder list_image_folder(const std::string& folder);

/// Reads colour images of one size, each in netpbm's binary format (P6, maximum 255), plain, gzip or
/// bzip2.
///
/// classes  more than any label
/// Cost     the pixels, a byte each
/// Throws   DataError naming the file and the offset in its data: another format, sides beyond 65,535,
///          less or more pixels than announced; naming both files: images of different sizes.
///          InvalidArgument: no files, a label that is not below `classes`, these beyond 65,536
/// Source   netpbm.sourceforge.net/doc/ppm.html
Images read_images(const std::vector<ImageFile>& files, index_t classes);

}  // namespace randnla
